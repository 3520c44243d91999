"""Whatever happens to `up` in the middle, one more `up` ends where an undisturbed one does."""

import os
import signal
import threading
from pathlib import Path

from tests.engine.proxy import Call, Faults, proxied
from tests.engine.small_stack import Done, Project, eventually, finish
from tests.engine.sweep import SWEEP, Record, Sweep, points
from tests.engine.test_up import assert_up_is_quiet, ids, up

BEFORE, AFTER = False, True


class Killer:
    """Kills the process with SIGKILL before or after the k-th mutating call."""

    def __init__(self, number: int, *, after: bool) -> None:
        self.number = number
        self.pid = 0
        self.started = threading.Event()
        self.faults = Faults(after=self.kill) if after else Faults(before=self.kill)

    def kill(self, call: Call) -> None:
        if call.number == self.number:
            self.started.wait(5)
            os.kill(self.pid, signal.SIGKILL)


def killed_up(project: Project, directory: Path, killer: Killer) -> Done:
    with proxied(directory / "k", project.kit.docker_host, killer.faults) as proxy:
        process = project.start_up(docker_host=proxy.docker_host)
        killer.pid = process.pid
        killer.started.set()
        return finish(process)


def count_calls(project: Project, directory: Path) -> int:
    with proxied(directory / "c", project.kit.docker_host) as proxy:
        done = project.up(docker_host=proxy.docker_host)
        assert done.code == 0, done
        return len(proxy.calls)


def test_kill_at_each_call_of_a_fresh_up(
    project: Project, short_path: Path, record_property: Record
) -> None:
    figures = Sweep("kill -9, fresh up", count_calls(project, short_path))
    wanted = project.shape()
    for number, after in points(figures.calls, (BEFORE, AFTER), some=4):
        assert project.run("down", "--volumes").code == 0
        (project.root / ".obsctl" / "state.json").unlink(missing_ok=True)
        killed = killed_up(project, short_path, Killer(number, after=after))
        with figures.point((number, after)):
            assert killed.code in {-signal.SIGKILL, 0}, killed
            up(project)
            assert project.shape() == wanted
    record_property(SWEEP, str(figures))
    assert figures.failures == []
    assert_up_is_quiet(project, short_path)


def change(project: Project) -> None:
    """Another definition of three of the four services."""
    for service in ("redis", "prometheus", "alertmanager"):
        definition = project.document["services"][service]
        memory = 536870912 + 268435456 - definition["mem_limit"]
        project.change(service, mem_limit=memory, memswap_limit=memory)


def test_kill_at_each_call_of_a_replacing_up(
    running: Project, short_path: Path, record_property: Record
) -> None:
    up(running)
    running.docker("exec", f"{running.name}-redis-1", "redis-cli", "set", "kept", "bytes")
    change(running)
    figures = Sweep("kill -9, three replaced", count_calls(running, short_path))
    ways = [(after, journal) for journal in (True, False) for after in (BEFORE, AFTER)]
    for number, (after, journal) in points(figures.calls, ways, some=5):
        change(running)
        killed = killed_up(running, short_path, Killer(number, after=after))
        if not journal:
            (running.root / ".obsctl" / "journal.json").unlink(missing_ok=True)
        with figures.point((number, after, journal)):
            assert killed.code in {-signal.SIGKILL, 0}, killed
            done = up(running)
            if journal and killed.code != 0:
                assert "the last `up` was cut off" in done.stderr
            assert_converged(running)
    record_property(SWEEP, str(figures))
    assert figures.failures == []
    assert running.docker("exec", f"{running.name}-redis-1", "redis-cli", "get", "kept") == "bytes"
    assert_up_is_quiet(running, short_path)


def assert_converged(project: Project) -> None:
    containers = project.containers()
    services = project.document["services"]
    assert set(containers) == {f"{project.name}-{name}-1" for name in services}
    for name, definition in services.items():
        found = containers[f"{project.name}-{name}-1"]
        key = "dev.obsctl.spec-hash"
        assert found["Config"]["Labels"][key] == definition["labels"][key]
        assert found["State"]["Status"] == ("exited" if name == "setup" else "running")
        assert found["HostConfig"]["Memory"] == definition["mem_limit"]


def refusal(status: str) -> bytes:
    body = b'{"message": "injected"}'
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\nConnection: close\r\n\r\n" + body


ANSWERS = (refusal("500 Internal Server Error"), refusal("409 Conflict"), b"")


def test_a_refused_call_is_told_and_the_next_up_is_clean(
    running: Project, short_path: Path, record_property: Record
) -> None:
    """Create, stop, two renames and start: each is refused, or the connection breaks."""
    up(running)
    figures = Sweep("500, 409 or no answer, one replaced", calls=5)
    for number, answer in points(figures.calls, ANSWERS, some=5):
        memory = running.document["services"]["prometheus"]["mem_limit"] + 1048576
        running.change("prometheus", mem_limit=memory, memswap_limit=memory)
        faults = Faults(
            answer=lambda call, k=number, given=answer: given if call.number == k else None  # type: ignore[misc]
        )
        with proxied(short_path / "f", running.kit.docker_host, faults) as proxy:
            done = running.up(docker_host=proxy.docker_host)
        with figures.point((number, answer)):
            assert done.code == 5, done
            assert "Traceback" not in done.stderr
            assert "prometheus" in done.stderr
            up(running)
            assert_converged(running)
    record_property(SWEEP, str(figures))
    assert figures.failures == []
    assert_up_is_quiet(running, short_path)


def test_a_dropped_reply_does_no_harm(project: Project, short_path: Path) -> None:
    """The Engine has done what it was asked to, and nobody heard of it."""

    def drop(call: Call) -> None:
        if call.number % 3 == 0:
            raise OSError

    with proxied(short_path / "d", project.kit.docker_host, Faults(after=drop)) as proxy:
        done = project.up(docker_host=proxy.docker_host)
    assert done.code == 5, done
    assert "Traceback" not in done.stderr
    up(project)
    assert_converged(project)
    assert_up_is_quiet(project, short_path)


def test_names_alone_are_enough_after_any_mixture(running: Project, short_path: Path) -> None:
    """Leftovers as a crash, an operator or docker compose may leave them."""
    up(running)
    main = f"{running.name}-prometheus-1"
    running.docker("rename", main, f"{main}_previous")
    running.docker("stop", f"{main}_previous")
    up(running)
    assert_converged(running)
    before = ids(running)
    running.docker("rename", main, f"0123456789ab_{main}")
    up(running)
    assert_converged(running)
    assert ids(running)[main] != before[main]
    eventually(lambda: running.get("prometheus", "/api/v1/targets")["status"] == "success")
    assert_up_is_quiet(running, short_path)
