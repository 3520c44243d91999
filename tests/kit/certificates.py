"""Certificates that tests make for themselves: authorities, servers and clients."""

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_DAY = timedelta(days=1)
_USES = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]


@dataclass(frozen=True)
class Authority:
    """Signs; `pem` is what those who trust it are given."""

    name: x509.Name
    key: ec.EllipticCurvePrivateKey
    pem: bytes

    @classmethod
    def make(cls, name: str) -> "Authority":
        subject = _name(name)
        key = ec.generate_private_key(ec.SECP256R1())
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        made = _builder(subject, subject, key).add_extension(constraints, critical=True)
        signed = made.sign(key, hashes.SHA256())
        return cls(subject, key, signed.public_bytes(serialization.Encoding.PEM))

    def write(self, folder: Path, name: str, *, address: str = "", expired: bool = False) -> Path:
        """ca.pem, cert.pem and key.pem, as Docker names them, in a new folder; returns it.

        `address` is an IP address that the certificate is good for.
        """
        folder.mkdir()
        key = ec.generate_private_key(ec.SECP256R1())
        made = _builder(_name(name), self.name, key, expired=expired)
        made = made.add_extension(x509.ExtendedKeyUsage(_USES), critical=False)
        if address:
            names = [x509.IPAddress(ipaddress.ip_address(address))]
            made = made.add_extension(x509.SubjectAlternativeName(names), critical=False)
        signed = made.sign(self.key, hashes.SHA256())
        (folder / "ca.pem").write_bytes(self.pem)
        (folder / "cert.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        (folder / "key.pem").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return folder


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, *, expired: bool = False
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 2 * _DAY)
        .not_valid_after(now - _DAY if expired else now + _DAY)
    )
