"""What this machine says about its ports, disks and kernel settings."""

import errno
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from obsctl.engine.desired.model import HostPort

_LISTENING: Final = "0A"
# An emulator's name for what images call otherwise.
_QEMU_NAMES: Final = {"amd64": "x86_64", "arm64": "aarch64", "386": "i386"}


def bind_problem(port: HostPort) -> str | None:
    """Why a host port cannot be listened on; None when it can."""
    family = socket.AF_INET6 if ":" in port.host_ip else socket.AF_INET
    kind = socket.SOCK_DGRAM if port.protocol == "udp" else socket.SOCK_STREAM
    try:
        with socket.socket(family, kind) as probe:
            if kind == socket.SOCK_STREAM:
                # Connections that linger after their listener went do not matter.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((port.host_ip, port.port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return "is in use"
        if error.errno == errno.EADDRNOTAVAIL:
            return "has an address that this machine does not have"
    return None


def port_holder(port: HostPort) -> str | None:
    """The process that listens on a port, as far as we may know."""
    inodes = _listening_inodes(port)
    if not inodes:
        return None
    for descriptor in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):
            link = str(descriptor.readlink())
            if link.startswith("socket:[") and link[8:-1] in inodes:
                process = descriptor.parents[1]
                name = (process / "comm").read_text(encoding="utf-8").strip()
                return f"process {process.name} ({name})"
    return None


def _listening_inodes(port: HostPort) -> set[str]:
    inodes: set[str] = set()
    for table in (f"{port.protocol}", f"{port.protocol}6"):
        with suppress(OSError):
            for line in Path(f"/proc/net/{table}").read_text(encoding="ascii").splitlines()[1:]:
                fields = line.split()
                number = int(fields[1].rpartition(":")[2], 16)
                if number == port.port and (port.protocol == "udp" or fields[3] == _LISTENING):
                    inodes.add(fields[9])
    return inodes


def is_this_machine(info: Mapping[str, Any]) -> bool:
    """Whether an Engine's own account of its host fits the machine that we run on."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    ours = (socket.gethostname(), os.uname().release, memory)
    return (info.get("Name"), info.get("KernelVersion"), info.get("MemTotal")) == ours


def max_map_count() -> int | None:
    """vm.max_map_count; None where there is no such setting."""
    with suppress(OSError, ValueError):
        text = Path("/proc/sys/vm/max_map_count").read_text(encoding="ascii")
        return int(text)
    return None


def emulated(architecture: str, handlers: Path) -> bool:
    """Whether the kernel, by its binfmt_misc `handlers`, runs programs of an architecture."""
    name = _QEMU_NAMES.get(architecture, architecture)
    with suppress(OSError):
        text = (handlers / f"qemu-{name}").read_text(encoding="utf-8")
        return text.startswith("enabled")
    return False


def free_bytes(directory: Path) -> int | None:
    """What users may still write there; None where it cannot be seen from here."""
    with suppress(OSError):
        found = os.statvfs(directory)
        return found.f_bavail * found.f_frsize
    return None
