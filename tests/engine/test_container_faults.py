"""A changed service that cannot be had, started or healthy: told, and the old one serves on."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.engine.judging import judging
from tests.engine.small_files import port, write_stack
from tests.engine.small_stack import Json, Project
from tests.engine.test_up import ids

AS_BEFORE = "runs as before: the old container was put back"


@dataclass(frozen=True)
class Fault:
    """`change` makes new keys of the service's definition out of the old one."""

    name: str
    service: str
    change: Callable[[Json], Json]
    next_step: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return self.name


def never_healthy(old: Json) -> Json:
    check = {"test": ["CMD", "false"], "start_period": "0s", "retries": 1}
    return {"healthcheck": old["healthcheck"] | check}


def crashing(old: Json) -> Json:
    return {"command": [*old["command"], "--no-such-flag"]}


def too_large(_old: Json) -> Json:
    use = "x = bytearray(10**9); import time; time.sleep(60)"
    limits = {"mem_limit": 8388608, "memswap_limit": 8388608}
    return limits | {"entrypoint": ["python3", "-c"], "command": [use], "read_only": False}


FAULTS = (
    Fault(
        "a health check that never passes",
        "prometheus",
        never_healthy,
        "`obsctl logs prometheus`",
        ("`prometheus` is unhealthy", "health check: exit code 1", AS_BEFORE),
    ),
    Fault(
        "a crash loop",
        "alertmanager",
        crashing,
        "`obsctl logs alertmanager`",
        ("crashes again and again: exit code", "unknown long flag '--no-such-flag'", AS_BEFORE),
    ),
    Fault(
        "a lack of memory",
        "redis",
        too_large,
        "`obsctl logs redis`",
        ("was killed for lack of memory (its limit is 8 MiB)", AS_BEFORE),
    ),
    Fault(
        "an image that nobody has",
        "redis",
        lambda _old: {"image": "registry.invalid/redis:1"},
        "stack.images",
        ("the registry `registry.invalid` cannot be reached",),
    ),
)


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_faulty_change(running: Project, short_path: Path, fault: Fault) -> None:
    with judging(running, short_path) as judge:
        before = ids(running)
        definition = running.document["services"][fault.service]
        running.change(fault.service, **fault.change(definition))
        judge.told(running.up(), fault.service, fault.next_step, *fault.words)
        assert ids(running) == before
        write_stack(running)


@contextmanager
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def test_a_port_that_is_taken(running: Project, short_path: Path) -> None:
    with judging(running, short_path) as judge, taken() as number:
        before = ids(running)
        running.change("prometheus", ports=[port(9090, number)])
        words = f"port 127.0.0.1:{number} for `prometheus` is in use by process"
        judge.told(running.up(), "`prometheus`", "choose another port under `stack`", words)
        assert ids(running) == before
        write_stack(running)
