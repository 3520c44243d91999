"""Whatever happens to a first `up`, one more `up` ends where an undisturbed one does."""

from pathlib import Path

from tests.engine.breaking import KINDS, Breaker, assert_recovers, assert_told, count_calls
from tests.engine.small_stack import Project
from tests.engine.sweep import SWEEP, Record, Sweeps, points


def take_down(project: Project) -> None:
    assert project.run("down", "--volumes").code == 0
    (project.root / ".obsctl" / "state.json").unlink(missing_ok=True)


def test_a_fresh_up(running: Project, short_path: Path, record_property: Record) -> None:
    take_down(running)
    figures = Sweeps("fresh up", calls := count_calls(running, short_path))
    wanted = running.shape()
    for number, kind in points(calls, KINDS, some=5):
        take_down(running)
        breaker = Breaker(running, kind, number)
        broken = breaker.up(short_path)
        with figures.of(kind.name).point((number, breaker.met)):
            assert_told(broken, breaker)
            assert_recovers(running, broken, breaker, wanted, short_path)
    record_property(SWEEP, str(figures))
    assert not figures.failures, "\n".join(figures.failures)
