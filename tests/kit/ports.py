"""Host ports for tests, so that two runs side by side never choose the same one."""

import fcntl
import socket
from pathlib import Path

# Below the range that the kernel takes for outgoing connections.
_FROM, _TO = 12000, 32000
_LAST = Path("/run/lock/obsctl-kit-ports")


def free_ports(count: int) -> list[int]:
    """A row of ports that nobody listens on; asked again, by whomever, the row after it."""
    _LAST.parent.mkdir(exist_ok=True)  # a container has none
    with _LAST.open("a+") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        handle.seek(0)
        begin = int(handle.read() or _FROM)
        row = _free_row(begin, count) or _free_row(_FROM, count)
        if not row:
            raise OSError(f"no {count} free ports in a row between {_FROM} and {_TO}")
        handle.truncate(0)
        handle.write(str(row[-1] + 1))
    return row


def _free_row(begin: int, count: int) -> list[int]:
    for first in range(begin, _TO - count, count):
        row = list(range(first, first + count))
        if all(_is_free(port) for port in row):
            return row
    return []


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True
