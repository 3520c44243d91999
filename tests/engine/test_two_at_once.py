"""Two `up` at once."""

from pathlib import Path

from tests.engine.small_stack import Project, eventually, finish
from tests.engine.test_up import assert_up_is_quiet


def test_two_at_once(project: Project, short_path: Path) -> None:
    first, second = project.start_up(), project.start_up()
    assert finish(first).code == 0
    assert finish(second).code == 0
    assert len(project.containers()) == 4
    assert_up_is_quiet(project, short_path)


def test_second_at_once_is_refused_with_no_wait(project: Project) -> None:
    first = project.start_up()
    lock = project.root / ".obsctl" / "lock"
    eventually(lambda: lock.exists() and lock.read_text())
    second = project.up("--no-wait")
    assert second.code == 5
    assert f"process {first.pid} on" in second.stderr
    assert finish(first).code == 0
