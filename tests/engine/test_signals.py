"""SIGINT and SIGTERM at each phase of `up` and `down`: sound ends, plain words, and the way on."""

import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest

from tests.engine.proxy import Faults, proxied
from tests.engine.small_files import write_prometheus, write_stack
from tests.engine.small_stack import Done, Project, eventually, finish
from tests.engine.sweep import SWEEP, Record, Sweep, some_of
from tests.engine.test_faults import assert_converged
from tests.engine.test_up import assert_up_is_quiet, ids, up

SIGNALS = ((signal.SIGINT, 130), (signal.SIGTERM, 143))


class Signaller:
    """Holds the first request that fits until its sender has been sent the signal.

    With `again` it goes on until the sender is gone: the request is never answered.
    """

    def __init__(self, request: str, number: signal.Signals, *, again: bool = False) -> None:
        self.pid = 0
        self.started = threading.Event()
        self.gone = threading.Event()
        self.met = ""
        self._request = re.compile(request)
        self._number = number
        self._again = again

    @property
    def faults(self) -> Faults:
        return Faults(
            before=lambda call: self._see(f"{call.method} {call.path}"),
            reading=lambda path: self._see(f"GET {path}"),
        )

    def _see(self, request: str) -> None:
        if self.met or not self._request.search(request):
            return
        self.met = request
        assert self.started.wait(10)
        os.kill(self.pid, self._number)
        while self._again and not self.gone.wait(0.05):
            os.kill(self.pid, self._number)
        # Until the process has taken note of it, for then the phase is this one.
        eventually(lambda: not _is_pending(self.pid))


def _is_pending(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    return any(
        int(mask, 16) for mask in re.findall(r"^S(?:ig|hd)Pnd:\s*(\w+)$", status, re.MULTILINE)
    )


def signalled(project: Project, action: str, short_path: Path, signaller: Signaller) -> Done:
    with proxied(short_path / "g", project.kit.docker_host, signaller.faults) as proxy:
        process = project.start(action, docker_host=proxy.docker_host)
        signaller.pid = process.pid
        signaller.started.set()
        try:
            done = finish(process)
        finally:
            signaller.gone.set()
    assert signaller.met, done
    return done


@dataclass(frozen=True)
class Phase:
    """`request` is the one that is under way when the signal comes; `fresh` begins with nothing.

    `words` are told; `change` makes a plan that the phase is part of.
    """

    name: str
    request: str
    words: str
    change: Callable[[Project], None] = lambda _project: None
    fresh: bool = False


def _memory(project: Project, *services: str) -> None:
    for service in services:
        memory = 536870912 + 268435456 - project.document["services"][service]["mem_limit"]
        project.change(service, mem_limit=memory, memswap_limit=memory)


def replaced(project: Project) -> None:
    _memory(project, "redis", "prometheus")


def reloaded(project: Project) -> None:
    """Prometheus by a signal, that is by the Engine; its files change at the same time."""
    interval = (
        "7s" if "5s" in (project.stack / "prometheus" / "prometheus.yml").read_text() else "5s"
    )
    write_prometheus(project, interval=interval)


def saved(project: Project) -> None:
    """To a Prometheus whose data the other cannot read, by what the tags say."""
    definition = project.document["services"]["prometheus"]
    kept = project.kit.images["prometheus"]
    project.change("prometheus", image=old_name(project) if definition["image"] == kept else kept)


def old_name(project: Project) -> str:
    return f"{project.name}/prometheus:2.54.0"


GIVEN_UP = "given up or undone: "
PHASES = (
    Phase("reading", r"GET /networks$", "nothing has been changed yet"),
    Phase("checking files", r"POST /containers/\w+/exec", "nothing has been changed", reloaded),
    Phase("network", r"POST /networks/create", "not begun: ", fresh=True),
    Phase("volume", r"POST /volumes/create", "not begun: ", fresh=True),
    Phase("create", r"POST /containers/create", "not begun: ", fresh=True),
    Phase("start", r"POST /containers/\S+/start", "not begun: ", fresh=True),
    Phase("wait for health", r"POST /containers/\w+/exec", "operations are done", fresh=True),
    Phase("replace: create", r"POST /containers/create\?name=\S+_next", GIVEN_UP, replaced),
    Phase("replace: stop", r"POST /containers/\w+/stop", GIVEN_UP, replaced),
    Phase("replace: rename", r"POST /containers/\w+/rename", GIVEN_UP, replaced),
    Phase("replace: start", r"POST /containers/\w+/start", GIVEN_UP, replaced),
    Phase("replace: wait", r"POST /containers/\w+/exec", "operations are done", replaced),
    Phase("replace: remove", r"DELETE /containers/", "interrupted: ", replaced),
    Phase("reload", r"POST /containers/\w+/kill\?signal=HUP", "reload prometheus", reloaded),
    Phase("save data", r"POST /containers/create\?name=\S+_copying", GIVEN_UP, saved),
    Phase("save data: copy", r"POST /containers/\w+/start", GIVEN_UP, saved),
    Phase("save data: done", r"DELETE /containers/", GIVEN_UP, saved),
)  # fmt: skip
DOWN = (
    Phase("stop", r"POST /containers/\w+/stop", "still there: "),
    Phase("remove", r"DELETE /containers/", "still there: "),
    Phase("network", r"DELETE /networks/", "removed 4 containers, 1 network; nothing is left"),
)


@pytest.fixture
def stack(running: Project) -> Iterator[Project]:
    """The small stack; its Prometheus is told by a signal to reload."""
    image = running.kit.images["prometheus"]
    running.docker("tag", image, old_name(running))
    reload_by_signal(running)
    up(running)
    yield running
    write_stack(running)
    up(running)
    running.docker("rmi", old_name(running))


def reload_by_signal(project: Project) -> None:
    labels = project.document["services"]["prometheus"]["labels"] | {
        "dev.obsctl.reload": "signal:HUP"
    }
    project.change("prometheus", labels=labels)


def assert_told(done: Done, code: int, phase: Phase, way_on: str) -> None:
    assert done.code == code, done
    assert "Traceback" not in done.stderr
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert error.startswith("error: interrupted"), done
    assert phase.words in error, done
    assert f"hint: `obsctl {way_on}`" in done.stderr, done
    if phase.words == GIVEN_UP:
        assert "ending what is under way; once more leaves at once" in done.stderr, done


def assert_sound(project: Project, before: dict[str, str], done: Done) -> None:
    """No step is left half done: each service runs as before, or as asked for."""
    undone = done.stderr.partition(GIVEN_UP)[2].partition(";")[0]
    for service in re.findall(r"replace ([\w-]+)", undone):
        name = f"{project.name}-{service}-1"
        assert ids(project)[name] == before[name], done
    containers = project.containers()
    extra = [name for name in containers if not name.endswith("-1")]
    assert not extra
    for name in before:
        status = "exited" if name.endswith("-setup-1") else "running"
        assert containers[name]["State"]["Status"] == status, containers[name]["State"]


def test_a_signal_at_each_phase_of_up(
    stack: Project, short_path: Path, record_property: Record
) -> None:
    figures = Sweep("signals in up", len(PHASES))
    for phase, (number, code) in some_of(list(product(PHASES, SIGNALS)), some=6):
        if phase.fresh:
            assert stack.run("down", "--volumes").code == 0
        phase.change(stack)
        before = ids(stack)
        with figures.point((phase.name, number.name)):
            done = signalled(stack, "up", short_path, Signaller(phase.request, number))
            assert_told(done, code, phase, "up")
            assert_sound(stack, before, done)
            assert "was cut off" not in up(stack).stderr
            assert_converged(stack)
            assert_up_is_quiet(stack, short_path)
    record_property(SWEEP, str(figures))
    assert not figures.failures, "\n".join(figures.failures)


def test_a_signal_at_each_phase_of_down(
    stack: Project, short_path: Path, record_property: Record
) -> None:
    figures = Sweep("signals in down", len(DOWN))
    for phase, (number, code) in some_of(list(product(DOWN, SIGNALS)), some=2):
        with figures.point((phase.name, number.name)):
            done = signalled(stack, "down", short_path, Signaller(phase.request, number))
            assert_told(done, code, phase, "down")
            assert stack.run("down").code == 0
            assert stack.shape()["containers"] == {}
            up(stack)
            assert_converged(stack)
    record_property(SWEEP, str(figures))
    assert not figures.failures, "\n".join(figures.failures)
    assert_up_is_quiet(stack, short_path)


def test_the_second_signal_leaves_at_once(stack: Project, short_path: Path) -> None:
    """The Engine never answers what is under way then: only leaving ends it."""
    for request in some_of((r"/containers/\w+/stop", r"/containers/create"), some=1):
        replaced(stack)
        signaller = Signaller(f"POST {request}", signal.SIGINT, again=True)
        done = signalled(stack, "up", short_path, signaller)
        assert done.code == 130, done
        assert "Traceback" not in done.stderr
        assert "the last `up` was cut off" in up(stack).stderr
        assert_converged(stack)
        assert_up_is_quiet(stack, short_path)
