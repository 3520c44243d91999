"""A dockerd in namespaces of its own, for tests that stop, hang or kill the Engine."""

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import docker

from tests.kit.cache import cache_root
from tests.kit.dockerd import Daemon, Kind
from tests.kit.host import KitUnavailable, require_debian_root, run

_SLOTS = 8
# Inside: loopback up, and a /sys that shows this network and still the machine's cgroups.
_SET_UP = (
    "ip link set lo up && mount --rbind /sys/fs/cgroup /mnt && mount -t sysfs sysfs /sys "
    '&& mount --move /mnt /sys/fs/cgroup && exec "$@"'
)
# Process 1 inside: reaps orphans by ignoring SIGCHLD (no shell can), and ends when its stdin
# does, that is with us, however we go; with it the kernel ends every process inside.
_INIT = (
    "import signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); "
    "print('ready', flush=True); sys.stdin.read()"
)


class Namespaces:
    """Network, mounts and processes of their own; they end with close(), and with us."""

    def __init__(self, environment: dict[str, str]) -> None:
        spaces = ["--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]
        self._init = subprocess.Popen(
            ["unshare", *spaces, "sh", "-c", _SET_UP, "sh", sys.executable, "-I", "-c", _INIT],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        if not self._init.stdout or self._init.stdout.readline() != b"ready\n":
            self._init.kill()
            raise KitUnavailable("cannot make network, mount and process namespaces here")
        self._started: list[subprocess.Popen[bytes]] = []

    @property
    def network(self) -> list[str]:
        """A command prefix that runs a program in the network, and with our files."""
        return ["nsenter", f"--net=/proc/{self._init.pid}/ns/net", "--"]

    def start(
        self, command: Sequence[str], environment: dict[str, str], log: Path
    ) -> subprocess.Popen[bytes]:
        """Run a program in all of them, with its output at the end of `log`."""
        spaces = f"/proc/{self._init.pid}/ns"
        kinds = {"net": "net", "mount": "mnt", "pid": "pid_for_children"}
        enter = ["nsenter", *(f"--{kind}={spaces}/{file}" for kind, file in kinds.items()), "--"]
        with log.open("ab") as file:
            process = subprocess.Popen(
                [*enter, *command],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        self._started.append(process)
        return process

    def close(self) -> None:
        """The kernel ends every process inside."""
        for pipe in (self._init.stdin, self._init.stdout):
            if pipe:
                pipe.close()
        for process in (self._init, *self._started):
            process.wait(timeout=30)


class PrivateEngine:
    """A running private Engine. Its published ports are reachable through `enter` only."""

    def __init__(self, daemon: Daemon, environment: dict[str, str]) -> None:
        self.daemon = daemon
        self.version = ""
        self._environment = environment
        self._namespaces = Namespaces(environment)
        self._dockerd: subprocess.Popen[bytes] | None = None

    @property
    def docker_host(self) -> str:
        """Its own socket, as clients spell it."""
        return self.daemon.docker_host

    @property
    def pid(self) -> int:
        """The dockerd's process id, as seen from here."""
        pid = self.daemon.pid()
        if pid is None:
            raise KitUnavailable("the private dockerd does not run")
        return pid

    @property
    def enter(self) -> list[str]:
        """A command prefix that runs a program in the Engine's network."""
        return self._namespaces.network

    def start(self) -> None:
        """Start dockerd (again) in the same network and on the same data, and await its answer."""
        self.daemon.prepare()
        self._forget_dropped_addresses()
        command = self.daemon.command()
        process = self._namespaces.start(command, self._environment, self.daemon.log)
        self._dockerd = process
        self.version = self.daemon.await_answer(alive=lambda: process.poll() is None)

    def pause(self) -> None:
        """Make it hang: connections open, but nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """End a pause()."""
        # nsenter stops itself along with its child.
        for pid in (self.pid, self._dockerd.pid if self._dockerd else self.pid):
            os.kill(pid, signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL dockerd; containers and their shims stay, as after a crash."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM dockerd: an orderly stop of all containers, then of the Engine."""
        self._end(signal.SIGTERM)

    def close(self) -> None:
        """Stop everything inside; safe after kill() and while paused."""
        try:
            if self._dockerd is not None:
                self.stop()
        finally:
            self._namespaces.close()

    def _forget_dropped_addresses(self) -> None:
        """As a restart of the machine would.

        A killed dockerd 28 leaves `-d ADDRESS ! -i BRIDGE -j DROP` of the containers that it
        was about to start; the next network with these addresses has another bridge.
        """
        run([*self.enter, "iptables", "--wait", "--table", "raw", "--flush"])

    def _end(self, number: signal.Signals) -> None:
        process, self._dockerd = self._dockerd, None
        if process is None:
            raise KitUnavailable("the private dockerd does not run")
        # It may end between two signals; it may also be paused, and nsenter with it.
        with suppress(ProcessLookupError):
            if (pid := self.daemon.pid()) is not None:
                os.kill(pid, number)
                os.kill(process.pid, signal.SIGCONT)
                os.kill(pid, signal.SIGCONT)
        process.wait(timeout=60)


@contextmanager
def private_engine(kind: Kind = "new", *options: str) -> Iterator[PrivateEngine]:
    """Run an Engine with network, mounts, processes, data and socket of its own.

    `options` are further arguments of dockerd.
    Its images stay for the next time (images.load_into skips those), nothing else does.
    """
    require_debian_root()
    with ExitStack() as stack:
        directory = stack.enter_context(_free_slot(kind))
        daemon = Daemon(kind, directory, directory / "docker.sock", options)
        engine = stack.enter_context(closing(PrivateEngine(daemon, daemon.prepare())))
        engine.start()
        sweep(engine.docker_host)
        yield engine


@contextmanager
def _free_slot(kind: Kind) -> Iterator[Path]:
    parent = cache_root() / "private"
    parent.mkdir(exist_ok=True)
    for number in range(_SLOTS):
        with (parent / f"{kind}-{number}.lock").open("a") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield parent / f"{kind}-{number}"
            return
    raise KitUnavailable(f"{_SLOTS} private engines of kind {kind} run already")


def sweep(docker_host: str) -> None:
    """Remove what a test that died left on this data root."""
    with closing(docker.APIClient(base_url=docker_host, version="auto")) as api:
        for container in api.containers(all=True):
            api.remove_container(container["Id"], force=True, v=True)
        api.prune_networks()  # type: ignore[no-untyped-call]
        for volume in api.volumes()["Volumes"] or []:
            api.remove_volume(volume["Name"], force=True)
