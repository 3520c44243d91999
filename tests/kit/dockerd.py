"""One dockerd: where its programs come from, how it is started, found and awaited."""

import http.client
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.kit.host import KitUnavailable, admin_environment, install_missing, run
from tests.kit.packages import library_path, unpack

Kind = Literal["new", "old"]

DEFAULT_SOCKET = Path("/var/run/docker.sock")
_PACKAGES: dict[Kind, tuple[str, tuple[str, ...]]] = {
    "new": ("sid", ("containerd", "docker.io", "tini-static")),
    "old": ("bookworm", ("containerd", "docker.io", "libdevmapper1.02.1", "tini")),
}
_SYSTEM = {"iptables": "iptables", "ip": "iproute2", "runc": "runc"}
_LONGEST_SOCKET = 60  # AF_UNIX allows 107 bytes; containerd's are up to 45 below our directory
_CGROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Daemon:
    """A dockerd of the given kind that keeps everything but its socket in `directory`."""

    kind: Kind
    directory: Path
    socket: Path
    options: tuple[str, ...] = ()

    @property
    def docker_host(self) -> str:
        """The socket as clients spell it."""
        return f"unix://{self.socket}"

    @property
    def log(self) -> Path:
        """What dockerd and its containerd wrote."""
        return self.directory / "dockerd.log"

    @property
    def _pid_file(self) -> Path:
        return self.directory / "docker.pid"

    def command(self) -> list[str]:
        """The full command line; its pid file's path is unique to this daemon."""
        return [
            "dockerd",
            f"--host={self.docker_host}",
            f"--data-root={self.directory / 'data'}",
            f"--exec-root={self.directory / 'exec'}",
            f"--pidfile={self._pid_file}",
            *self.options,
        ]

    def prepare(self) -> dict[str, str]:
        """Fetch the programs, tidy up after a crash; returns the environment to start with."""
        if len(str(self.directory)) > _LONGEST_SOCKET:
            raise KitUnavailable(f"the kit's cache path is too long for sockets: {self.directory}")
        install_missing(_SYSTEM)
        _mount_cgroups()
        suite, names = _PACKAGES[self.kind]
        tree = unpack(suite, names)
        self.directory.mkdir(parents=True, exist_ok=True)
        self._clear_stale()
        environment = admin_environment([tree / "usr/sbin", tree / "usr/bin"])
        environment["LD_LIBRARY_PATH"] = library_path(tree)
        # Left to itself dockerd would register with a service manager that did not start it.
        environment.pop("NOTIFY_SOCKET", None)
        return environment

    def pid(self) -> int | None:
        """The dockerd's process id as this machine counts it, None when it does not run."""
        return next(processes("dockerd", f"--pidfile={self._pid_file}"), None)

    def await_answer(self, *, alive: Callable[[], bool], seconds: float = 60) -> str:
        """Poll until the Engine answers and return its version; explain with its last log lines."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if version := engine_version(self.docker_host):
                return version
            if not alive():
                raise KitUnavailable(f"dockerd ended at once:\n{self._log_tail()}")
            time.sleep(0.1)
        raise KitUnavailable(f"dockerd does not answer after {seconds:.0f} s:\n{self._log_tail()}")

    def _clear_stale(self) -> None:
        if self.pid() is None:
            self._pid_file.unlink(missing_ok=True)
        containerd = self.directory / "exec/containerd"
        # After a SIGKILL dockerd would take whatever process has the old number for its own.
        if next(processes("containerd", str(containerd)), None) is None:
            (containerd / "containerd.pid").unlink(missing_ok=True)

    def _log_tail(self) -> str:
        try:
            text = self.log.read_text(encoding="utf-8", errors="replace")
        except OSError as problem:
            return f"(no log: {problem})"
        return "\n".join(text.splitlines()[-12:])


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket; docker-py leaves a socket open when nothing listens there."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("docker", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def engine_version(docker_host: str, timeout: float = 3) -> str | None:
    """The version of the Engine at a unix:// or tcp:// address, None when it does not answer."""
    scheme, _, address = docker_host.partition("://")
    connect = _UnixConnection if scheme == "unix" else http.client.HTTPConnection
    try:
        with closing(connect(address, timeout=timeout)) as connection:
            connection.request("GET", "/version")
            return str(json.load(connection.getresponse())["Version"])
    except (OSError, http.client.HTTPException, ValueError, KeyError):
        return None


def default_host() -> str:
    """DOCKER_HOST, or the default socket."""
    return os.environ.get("DOCKER_HOST") or f"unix://{DEFAULT_SOCKET}"


def processes(name: str, argument: str = "") -> Iterator[int]:
    """Ids of processes with this command name and `argument` somewhere in their arguments.

    Only those that see our files: in a container the same paths are other ones.
    """
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if (entry / "comm").read_text().strip() != name:
                continue
            if not (entry / "root").samefile("/"):
                continue
            arguments = (entry / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue  # it ended while we looked
        if arguments and argument in arguments:
            yield int(entry.name)


def _mount_cgroups() -> None:
    if not any(_CGROUPS.iterdir()):
        run(["mount", "-t", "cgroup2", "cgroup2", str(_CGROUPS)])
