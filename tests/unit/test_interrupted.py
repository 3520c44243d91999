"""An interrupt leaves at once, but for what has been sent and has to be taken back."""

import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from obsctl.health.asking.again import attempts
from obsctl.health.asking.context import Context
from obsctl.health.asking.run import Check, run_checks
from obsctl.health.findings.report import Finding
from tests.engine.health_lab import bare_stack

HANGS_S = 30.0


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(bare_stack("shop"), {}, tmp_path, tmp_path, tmp_path, lambda: ())


def test_nobody_waits_for_what_hangs(context: Context) -> None:
    ends = Event()

    def hangs(_: Context) -> Iterator[Finding]:
        ends.wait(HANGS_S)
        yield from ()

    def interrupted(_: Context) -> Iterator[Finding]:
        yield from ()
        raise KeyboardInterrupt

    checks = [Check("signals", "x", "works", one) for one in (interrupted, hangs)]
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run_checks(context, checks)
    assert time.monotonic() - started < HANGS_S
    ends.set()


def test_what_was_sent_is_taken_back(context: Context) -> None:
    taken_back = Event()

    def canary(asked: Context) -> Iterator[Finding]:
        try:
            for _ in attempts(asked):
                pass
        finally:
            taken_back.set()
        yield from ()

    def interrupted(_: Context) -> Iterator[Finding]:
        yield from ()
        raise KeyboardInterrupt

    functions = (interrupted, canary)
    checks = [Check("canaries", "x", "works", one, seconds=HANGS_S) for one in functions]
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run_checks(context, checks, clean_up=True)
    assert taken_back.is_set()
    assert time.monotonic() - started < HANGS_S
