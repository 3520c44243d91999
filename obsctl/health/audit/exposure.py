"""What a container shows and is shown: mounts of the host, ports, environment; pure."""

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from obsctl.engine.desired.model import LABEL_WORKING_DIRECTORY

Inspected = Mapping[str, Any]

_HOST_ITSELF: Final = (
    "/boot", "/dev", "/etc", "/lib", "/proc", "/sys", "/usr", "/var/lib/docker",
)  # fmt: skip
_SOCKETS: Final = ("docker.sock", "podman.sock", "containerd.sock")
_ABOVE_SOCKETS: Final = ("/", "/run", "/var", "/var/run")
_ALL: Final = ("", "0.0.0.0", "::")  # noqa: S104 - what is looked for
_FIRST_OPEN_PORT: Final = 1024
_SECRET: Final = re.compile(r"PASS|SECRET|TOKEN|KEY", re.IGNORECASE)
_NO_SECRET: Final = re.compile(r"true|false|\d{0,5}", re.IGNORECASE)
# The fingerprint of who signs Python's releases, which its images carry.
_PUBLIC: Final = ("GPG_KEY",)


def _binds(found: Inspected) -> Iterator[Mapping[str, Any]]:
    return (one for one in found.get("Mounts") or () if one.get("Type") == "bind")


def _is_host_itself(found: Inspected, source: str) -> bool:
    """A project may lie below one of these; its own folders are no part of the host's system."""
    path = PurePosixPath(source)
    stack = (found["Config"].get("Labels") or {}).get(LABEL_WORKING_DIRECTORY)
    if stack and path.is_relative_to(PurePosixPath(stack).parent):
        return False
    return source == "/" or any(path.is_relative_to(one) for one in _HOST_ITSELF)


def _sensitive(found: Inspected) -> list[Mapping[str, Any]]:
    return [one for one in _binds(found) if _is_host_itself(found, str(one["Source"]))]


def _mounts(entries: list[Mapping[str, Any]]) -> str:
    return f"mounts {', '.join(str(one['Source']) for one in entries)}" if entries else ""


def host_mounts(found: Inspected) -> str:
    """The host's own files, read-only or not."""
    return _mounts(_sensitive(found))


def host_writes(found: Inspected) -> str:
    """The host's own files that it may change."""
    return _mounts([one for one in _sensitive(found) if one.get("RW")])


def engine_socket(found: Inspected) -> str:
    """The socket is the host: by itself, or in a directory above it; read-only is no help."""
    return _mounts(
        [
            one
            for one in _binds(found)
            if str(one["Source"]) in _ABOVE_SOCKETS
            or PurePosixPath(str(one["Source"])).name in _SOCKETS
        ]
    )


def propagation(found: Inspected) -> str:
    """Mounts whose own mounts show on the host."""
    shared = ("shared", "rshared")
    return _mounts([one for one in found.get("Mounts") or () if one.get("Propagation") in shared])


def _published(found: Inspected) -> Iterator[tuple[str, str]]:
    for bindings in (found["HostConfig"].get("PortBindings") or {}).values():
        for one in bindings or ():
            yield str(one.get("HostIp") or ""), str(one.get("HostPort") or "")


def all_addresses(found: Inspected) -> str:
    """Ports that every network of the host reaches."""
    ports = [port or "a free port" for address, port in _published(found) if address in _ALL]
    told = ", ".join(f"{port} on all addresses" for port in ports)
    every = "PublishAllPorts is true" if found["HostConfig"].get("PublishAllPorts") else ""
    return "; ".join(filter(None, (told, every)))


def low_ports(found: Inspected) -> str:
    """Ports that the system keeps for its own services."""
    ports = [port for _, port in _published(found) if port.isdigit()]
    low = [port for port in ports if 0 < int(port) < _FIRST_OPEN_PORT]
    return f"publishes {', '.join(low)}" if low else ""


def environment(found: Inspected) -> str:
    """Variables whose name says secret, unless their value is a file's path; never the value."""
    mounted = [str(one["Destination"]) for one in found.get("Mounts") or ()]
    pairs = (str(one).partition("=") for one in found["Config"].get("Env") or ())
    names = [name for name, _, value in pairs if _is_secret(name, value, mounted)]
    return f"Env has {', '.join(names)}" if names else ""


def _is_secret(name: str, value: str, mounted: list[str]) -> bool:
    named = _SECRET.search(name) and not name.upper().endswith("_FILE") and name not in _PUBLIC
    return bool(named) and not _NO_SECRET.fullmatch(value) and not _is_mounted(value, mounted)


def _is_mounted(value: str, mounted: list[str]) -> bool:
    return value.startswith("/") and any(PurePosixPath(value).is_relative_to(m) for m in mounted)
