"""Two `up` at once, and signals in the middle of one."""

import signal
import time
from pathlib import Path

from tests.engine.small_stack import Project, eventually, finish
from tests.engine.test_up import assert_up_is_quiet, ids, up


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


def test_sigint_says_what_stands_and_up_goes_on(project: Project, short_path: Path) -> None:
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        project.document["services"]["setup"]["command"] = ["sleep 30"]
        project.save()
        process = project.start_up()
        eventually(lambda: f"{project.name}-setup-1" in project.containers())
        eventually(lambda: project.container("setup")["State"]["Status"] == "running")
        process.send_signal(number)
        done = finish(process)
        assert done.code == code, done
        assert "`obsctl up` goes on from here" in done.stderr
        assert "start prometheus" in done.stderr
        project.docker("rm", "-f", f"{project.name}-setup-1")
    project.change("setup", command=["redis-cli -h redis set done yes"])
    up(project)
    assert_up_is_quiet(project, short_path)


def test_second_sigint_leaves_at_once(project: Project) -> None:
    project.document["services"]["setup"]["command"] = ["trap '' TERM; sleep 30"]
    project.save()
    up_process = project.start_up()
    eventually(lambda: f"{project.name}-setup-1" in project.containers())
    began = time.monotonic()
    up_process.send_signal(signal.SIGINT)
    up_process.send_signal(signal.SIGINT)
    assert finish(up_process).code == 130
    assert time.monotonic() - began < 3


def test_sigint_in_a_replacement_puts_the_old_one_back(running: Project) -> None:
    up(running)
    before = ids(running)
    running.change("prometheus", healthcheck={"test": ["CMD", "false"], "interval": "5s"})
    process = running.start_up()
    eventually(lambda: f"{running.name}-prometheus-1_previous" in running.containers())
    process.send_signal(signal.SIGINT)
    assert finish(process).code == 130
    assert ids(running) == before
    assert running.container("prometheus")["State"]["Status"] == "running"
