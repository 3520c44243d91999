"""The stack's own certificate authority, and a certificate for each server that speaks TLS."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from obsctl.conventions import AUTHORITY, AUTHORITY_KEY, CERTIFICATE, CERTIFICATE_KEY

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.x509 import Certificate, ExtensionType, GeneralName, Name

RENEW_BEFORE: Final = timedelta(days=30)
_LIVES: Final = timedelta(days=365)
_AUTHORITY_LIVES: Final = timedelta(days=3650)
# The clocks of two machines differ.
_LEEWAY: Final = timedelta(hours=1)

Files = Mapping[str, bytes]
"""Content by file name; what is missing or no PEM counts as absent."""


@dataclass(frozen=True, slots=True)
class _Pair:
    certificate: "Certificate"
    key: "EllipticCurvePrivateKey"


def renewed(
    files: Files, servers: Mapping[str, tuple[str, ...]], now: datetime
) -> dict[str, bytes]:
    """The files to write so that each server has a valid certificate; keys come first.

    `servers` gives the names and addresses under which each is reached. A certificate is made
    anew when it ends within RENEW_BEFORE, is of another authority, or has other names.
    """
    changed: dict[str, bytes] = {}
    authority = _read(files, AUTHORITY, AUTHORITY_KEY)
    if authority is None or not _lasts(authority.certificate, now):
        authority = _new_authority(now)
        changed |= _written(authority, AUTHORITY, AUTHORITY_KEY)
    for server, hosts in servers.items():
        certificate, key = CERTIFICATE.format(server), CERTIFICATE_KEY.format(server)
        pair = _read(files, certificate, key)
        if pair is None or not _serves(pair.certificate, authority, hosts, now):
            changed |= _written(_new_server(authority, server, hosts, now), certificate, key)
    return changed


def ends(content: bytes) -> datetime:
    """When a certificate ends; ValueError for what is none."""
    from cryptography.x509 import load_pem_x509_certificate

    return load_pem_x509_certificate(content).not_valid_after_utc


def _read(files: Files, certificate: str, key: str) -> _Pair | None:
    """A pair that belongs together: a run that was cut off may have written half of one."""
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from cryptography.x509 import load_pem_x509_certificate

    try:
        own = load_pem_private_key(files[key], None)
        found = load_pem_x509_certificate(files[certificate])
    except (KeyError, ValueError, TypeError):
        return None
    if isinstance(own, EllipticCurvePrivateKey) and own.public_key() == found.public_key():
        return _Pair(found, own)
    return None


def _lasts(certificate: "Certificate", now: datetime) -> bool:
    return certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc - RENEW_BEFORE


def _serves(
    certificate: "Certificate", authority: _Pair, hosts: tuple[str, ...], now: datetime
) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.x509 import ExtensionNotFound, SubjectAlternativeName

    try:
        certificate.verify_directly_issued_by(authority.certificate)
        names = certificate.extensions.get_extension_for_class(SubjectAlternativeName).value
    except (InvalidSignature, ValueError, TypeError, ExtensionNotFound):
        return False
    return list(names) == list(_names(hosts)) and _lasts(certificate, now)


def _names(hosts: tuple[str, ...]) -> "Iterator[GeneralName]":
    from cryptography.x509 import DNSName, IPAddress

    for host in hosts:
        try:
            yield IPAddress(ip_address(host))
        except ValueError:
            yield DNSName(host)


def _new_authority(now: datetime) -> _Pair:
    from cryptography.x509 import BasicConstraints, KeyUsage

    usage = dict.fromkeys(_USAGES, False) | {"key_cert_sign": True, "crl_sign": True}
    more = (BasicConstraints(ca=True, path_length=0), KeyUsage(**usage))
    return _made(None, "obsctl", (now - _LEEWAY, now + _AUTHORITY_LIVES), more)


def _new_server(authority: _Pair, server: str, hosts: tuple[str, ...], now: datetime) -> _Pair:
    from cryptography.x509 import (
        BasicConstraints,
        ExtendedKeyUsage,
        KeyUsage,
        SubjectAlternativeName,
    )
    from cryptography.x509.oid import ExtendedKeyUsageOID

    more = (
        BasicConstraints(ca=False, path_length=None),
        KeyUsage(**(dict.fromkeys(_USAGES, False) | {"digital_signature": True})),
        ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),
        SubjectAlternativeName(_names(hosts)),
    )
    ends_at = min(now + _LIVES, authority.certificate.not_valid_after_utc)
    return _made(authority, server, (now - _LEEWAY, ends_at), more)


_USAGES: Final = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
    "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip


def _made(
    issuer: _Pair | None,
    name: str,
    valid: tuple[datetime, datetime],
    more: "tuple[ExtensionType, ...]",
) -> _Pair:
    """A new key with its certificate, signed by `issuer` or by itself."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.x509 import (
        AuthorityKeyIdentifier,
        CertificateBuilder,
        KeyUsage,
        SubjectKeyIdentifier,
        random_serial_number,
    )

    key = ec.generate_private_key(ec.SECP256R1())
    signer = issuer.key if issuer else key
    subject = _subject(name)
    builder = (
        CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(random_serial_number())
        .not_valid_before(valid[0])
        .not_valid_after(valid[1])
        .add_extension(SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
    )
    for extension in more:
        critical = isinstance(extension, KeyUsage) or not issuer
        builder = builder.add_extension(extension, critical=critical)
    return _Pair(builder.sign(signer, SHA256()), key)


def _subject(name: str) -> "Name":
    from cryptography.x509 import Name, NameAttribute
    from cryptography.x509.oid import NameOID

    return Name([NameAttribute(NameOID.COMMON_NAME, name)])


def _written(pair: _Pair, certificate: str, key: str) -> dict[str, bytes]:
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    private = pair.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return {key: private, certificate: pair.certificate.public_bytes(Encoding.PEM)}
