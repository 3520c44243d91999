"""Where the Engine listens: DOCKER_HOST, the docker context, or the default socket."""

import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from obsctl.errors import EngineError, Problem

DEFAULT_HOST: Final = "unix:///var/run/docker.sock"


_FORM: Final = re.compile(
    r"unix:///.+|(tcp|https?)://(\[[0-9a-fA-F:]+\]|[^:/@\s]+)(:[0-9]{1,5})?(/.*)?|ssh://[^/\s]+(/.*)?"
)
_CERTIFICATES: Final = ("ca.pem", "cert.pem", "key.pem")


@dataclass(frozen=True, slots=True)
class Encryption:
    """TLS with what `directory` holds of ca.pem, cert.pem and key.pem."""

    directory: Path | None = None
    verify: bool = True

    @property
    def authority(self) -> str | None:
        """The file that the Engine's certificate must be signed by; None for the system's."""
        return self._file("ca.pem")

    @property
    def pair(self) -> tuple[str, str] | None:
        """Files of our own certificate and its key."""
        certificate, key = self._file("cert.pem"), self._file("key.pem")
        return (certificate, key) if certificate and key else None

    def _file(self, name: str) -> str | None:
        found = self.directory / name if self.directory else None
        return str(found) if found and found.is_file() else None


@dataclass(frozen=True, slots=True)
class Address:
    """`tls` is None where the connection is not encrypted, or ssh does it."""

    host: str
    tls: Encryption | None = None

    @property
    def socket(self) -> str | None:
        """The unix socket's path, when there is one on this machine."""
        return self.host.removeprefix("unix://") if self.host.startswith("unix://") else None


def find_address() -> Address:
    """As docker's own command line looks: DOCKER_HOST wins, then the context.

    EngineError for what is no address, and for certificates that are not there.
    """
    if host := os.environ.get("DOCKER_HOST"):
        return Address(_checked(host, "DOCKER_HOST"), _encryption())
    if name := os.environ.get("DOCKER_CONTEXT"):
        return _context(name, "unset DOCKER_CONTEXT")
    return _context(_current_context(), "`docker context use default`")


def _checked(host: str, origin: str) -> str:
    if _FORM.fullmatch(host):
        return host
    hint = "write unix:///var/run/docker.sock, tcp://HOST:2376 or ssh://USER@HOST"
    if host.startswith("/"):
        hint = f"write unix://{host}"
    raise EngineError(Problem(f"{origin} is no address of a Docker Engine: `{host}`", hint=hint))


def _encryption() -> Encryption | None:
    """What DOCKER_TLS_VERIFY and DOCKER_CERT_PATH ask for."""
    given = os.environ.get("DOCKER_CERT_PATH")
    verify = bool(os.environ.get("DOCKER_TLS_VERIFY"))
    if not given and not verify:
        return None
    directory = Path(given) if given else _config_directory()
    missing = [name for name in _CERTIFICATES if not (directory / name).is_file()]
    if missing:
        raise EngineError(
            Problem(
                f"`{directory}` has no {', '.join(missing)} for the Docker Engine's TLS",
                hint="set DOCKER_CERT_PATH to the directory that holds them, "
                "or unset it and DOCKER_TLS_VERIFY",
            )
        )
    return Encryption(directory, verify)


def _config_directory() -> Path:
    return Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")


def _current_context() -> str:
    try:
        config = json.loads((_config_directory() / "config.json").read_bytes())
        return str(config.get("currentContext") or "")
    except (OSError, ValueError, AttributeError):
        return ""


def _context(name: str, way_out: str) -> Address:
    """The address that the context names; `way_out` is how to have the default one instead."""
    if name in {"", "default"}:
        return Address(DEFAULT_HOST)
    contexts = _config_directory() / "contexts"
    key = hashlib.sha256(name.encode()).hexdigest()
    try:
        meta = json.loads((contexts / "meta" / key / "meta.json").read_bytes())
        endpoint = meta["Endpoints"]["docker"]
        host = str(endpoint["Host"])
    except (OSError, ValueError, KeyError, TypeError):
        raise EngineError(
            Problem(
                f"there is no docker context `{name}`",
                hint=f"`docker context ls` lists them; {way_out} for the default one",
            )
        ) from None
    _checked(host, f"the docker context `{name}`")
    certificates = contexts / "tls" / key / "docker"
    verify = not endpoint.get("SkipTLSVerify", False)
    if certificates.is_dir():
        return Address(host, Encryption(certificates, verify))
    # As docker has it: not to verify is to encrypt all the same.
    is_tls = not verify and not host.startswith(("unix://", "ssh://"))
    return Address(host, Encryption(None, verify=False) if is_tls else None)
