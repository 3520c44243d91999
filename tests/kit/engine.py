"""The Docker Engine that tests talk to: the one that answers, or one that the kit starts."""

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from tests.kit.cache import ENGINE_LOCK, cache_root, locked_file, timed
from tests.kit.dockerd import DEFAULT_SOCKET, Daemon, default_host, engine_version, processes
from tests.kit.host import KitUnavailable, require_debian_root
from tests.kit.private import PrivateEngine, private_engine

__all__ = [
    "Engine",
    "PrivateEngine",
    "ensure_engine",
    "private_engine",
    "running_engine",
    "stop_engine",
]


@dataclass(frozen=True)
class Engine:
    """An Engine that answers."""

    docker_host: str
    version: str
    started_by_kit: bool


def running_engine() -> Engine | None:
    """The Engine that answers at DOCKER_HOST or at the default socket, if any."""
    for host in dict.fromkeys((default_host(), f"unix://{DEFAULT_SOCKET}")):
        if version := engine_version(host):
            ours = _main()
            return Engine(host, version, host == ours.docker_host and ours.pid() is not None)
    return None


def ensure_engine() -> Engine:
    """An Engine that answers; starts the new one, which outlives us, when there is none."""
    if found := running_engine():
        return found
    require_debian_root()
    with locked_file(ENGINE_LOCK):
        return running_engine() or _start()


def stop_engine(seconds: float = 60) -> bool:
    """Stop the Engine if the kit started it; False when there is nothing of ours to stop."""
    ours = _main()
    pid = ours.pid()
    if pid is None:
        return False
    with timed(f"stopping dockerd (process {pid})"):
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + seconds
        while ours.pid() is not None:
            if time.monotonic() > deadline:
                raise KitUnavailable(f"dockerd (process {pid}) did not stop in {seconds:.0f} s")
            time.sleep(0.1)
    return True


def _main() -> Daemon:
    return Daemon("new", cache_root() / "engine", DEFAULT_SOCKET)


def _start() -> Engine:
    if neighbour := _await_neighbour():
        return neighbour
    daemon = _main()
    environment = daemon.prepare()
    with timed("starting dockerd"), daemon.log.open("ab") as log:
        # `setsid --fork` orphans it: no terminal, no parent that must stay to wait for it.
        subprocess.run(
            ["setsid", "--fork", *daemon.command()],
            cwd="/",
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            check=True,
        )
        began = time.monotonic()
        version = daemon.await_answer(
            alive=lambda: time.monotonic() < began + 1 or daemon.pid() is not None
        )
    return Engine(daemon.docker_host, version, started_by_kit=True)


def _await_neighbour(seconds: float = 30) -> Engine | None:
    """Wait for a dockerd that is coming up here; beside a silent one no second may start.

    Two in one network namespace fight over docker0 and the firewall's rules.
    """
    deadline = time.monotonic() + seconds
    while pid := next(filter(_in_our_network, processes("dockerd")), None):
        if found := running_engine():
            return found
        if time.monotonic() > deadline:
            raise KitUnavailable(
                f"dockerd (process {pid}) runs here but does not answer at {default_host()}; "
                "set DOCKER_HOST to its address, or stop it"
            )
        time.sleep(0.2)
    return None


def _in_our_network(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/ns/net").readlink() == Path("/proc/self/ns/net").readlink()
    except OSError:
        return False
