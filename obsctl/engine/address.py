"""Where the Engine listens: DOCKER_HOST, the docker context, or the default socket."""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from obsctl.errors import EngineError, Problem

DEFAULT_HOST: Final = "unix:///var/run/docker.sock"


@dataclass(frozen=True, slots=True)
class Address:
    """`tls` holds ca.pem, cert.pem and key.pem where the connection is encrypted."""

    host: str
    tls: Path | None = None
    verify: bool = True

    @property
    def socket(self) -> str | None:
        """The unix socket's path, when the Engine is on this machine."""
        return self.host.removeprefix("unix://") if self.host.startswith("unix://") else None

    @property
    def is_local(self) -> bool:
        """Whether the Engine sees this machine's files and ports."""
        return self.socket is not None


def find_address() -> Address:
    """As docker's own command line looks: DOCKER_HOST wins, then the context."""
    if host := os.environ.get("DOCKER_HOST"):
        certificates = os.environ.get("DOCKER_CERT_PATH")
        verify = bool(os.environ.get("DOCKER_TLS_VERIFY"))
        tls = Path(certificates) if certificates else _config_directory()
        return Address(host, tls if verify or certificates else None, verify)
    name = os.environ.get("DOCKER_CONTEXT") or _current_context()
    return Address(DEFAULT_HOST) if name in {"", "default"} else _context(name)


def _config_directory() -> Path:
    return Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")


def _current_context() -> str:
    try:
        config = json.loads((_config_directory() / "config.json").read_bytes())
        return str(config.get("currentContext") or "")
    except (OSError, ValueError, AttributeError):
        return ""


def _context(name: str) -> Address:
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
                hint="`docker context ls` lists them; unset DOCKER_CONTEXT for the default one",
            )
        ) from None
    certificates = contexts / "tls" / key / "docker"
    verify = not endpoint.get("SkipTLSVerify", False)
    return Address(host, certificates if certificates.is_dir() else None, verify)
