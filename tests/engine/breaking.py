"""The ways to break an `up` at its k-th call, and how what comes of it is judged."""

import json
import os
import signal
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from obsctl.engine.run.journal import interrupted_steps
from tests.engine.proxy import Call, Faults, Proxy, proxied
from tests.engine.small_stack import Done, Project, finish
from tests.engine.test_up import assert_up_is_quiet, up

_LATE_S = 0.5


def refusal(status: str) -> bytes:
    body = b'{"message": "injected"}'
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\nConnection: close\r\n\r\n" + body


@dataclass(frozen=True)
class Kind:
    """`codes` are the exit codes that are right once the call was met.

    `answer` comes instead of the Engine's; b"" breaks the connection before it has done anything.
    """

    name: str
    codes: frozenset[int]
    answer: bytes | None = None
    kills: bool = False
    after: bool = False
    keeps_journal: bool = True


_KILLED, _TOLD, _FINE = frozenset({-signal.SIGKILL}), frozenset({5}), frozenset({0})
KINDS: Final = (
    Kind("kill -9 before", _KILLED, kills=True),
    Kind("kill -9 after", _KILLED, kills=True, after=True),
    Kind("kill -9 after, journal lost", _KILLED, kills=True, after=True, keeps_journal=False),
    Kind("500", _TOLD, refusal("500 Internal Server Error")),
    Kind("409", _TOLD, refusal("409 Conflict")),
    Kind("connection broken", _TOLD, b""),
    Kind("answer lost", _TOLD, after=True),
    Kind("answer late", _FINE),
    Kind("event stream cut", _FINE),
)


def count_calls(project: Project, directory: Path) -> int:
    """How many calls an undisturbed `up` makes."""
    with proxied(directory / "c", project.kit.docker_host) as proxy:
        up_through = project.up(docker_host=proxy.docker_host)
        assert up_through.code == 0, up_through
        return len(proxy.calls)


KILLS: Final = tuple(kind for kind in KINDS if kind.kills and kind.keeps_journal)


class Breaker:
    """Breaks the call of a number; `met` is that call, and `name` what it was about."""

    def __init__(self, project: Project, kind: Kind, number: int) -> None:
        self.kind = kind
        self.met: Call | None = None
        self.name = ""
        self._project = project
        self._number = number
        self._pid = 0
        self._started = threading.Event()
        self._proxy: Proxy | None = None

    def up(self, directory: Path) -> Done:
        """`up` with the fault in it."""
        faults = Faults(before=self._before, after=self._after, answer=self._answer)
        with proxied(directory / "b", self._project.kit.docker_host, faults) as proxy:
            self._proxy = proxy
            process = self._project.start_up(docker_host=proxy.docker_host)
            self._pid = process.pid
            self._started.set()
            return finish(process)

    def _before(self, call: Call) -> None:
        if call.number != self._number:
            return
        self.met = call
        self.name = _subject(self._project, call)
        if self.kind.kills and not self.kind.after:
            self._kill()
        elif self.kind.name == "answer late":
            time.sleep(_LATE_S)
        elif self.kind.name == "event stream cut" and self._proxy:
            self._proxy.cut_streams()

    def _after(self, call: Call) -> None:
        if call.number == self._number and self.kind.after:
            if self.kind.kills:
                self._kill()
            else:
                raise OSError

    def _answer(self, call: Call) -> bytes | None:
        return self.kind.answer if call.number == self._number else None

    def _kill(self) -> None:
        self._started.wait(5)
        os.kill(self._pid, signal.SIGKILL)


def _subject(project: Project, call: Call) -> str:
    """The service, network or volume that a call is about."""
    place, _, query = call.path.partition("?")
    if place.endswith("/create"):
        name = query.partition("name=")[2] or str(json.loads(call.body).get("Name", ""))
    elif place.startswith("/containers/"):
        identity = place.split("/")[2]
        name = project.docker("inspect", "--format", "{{.Name}}", identity).lstrip("/")
    else:
        return ""
    return name.removeprefix(f"{project.name}-").partition("-1")[0]


def assert_told(done: Done, breaker: Breaker) -> None:
    """Exit code, the resource, the next step, and no traceback."""
    assert "Traceback" not in done.stderr, done
    call = breaker.met
    if call is None:
        assert done.code == 0, done
        return
    # A health check that obsctl could not run now is run again.
    may_pass = frozenset({0}) if "/exec" in call.path else frozenset()
    assert done.code in breaker.kind.codes | may_pass, done
    if done.code == 5:
        errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        assert any(breaker.name in line for line in errors), (breaker.name, done)
        assert "hint: " in done.stderr, done


def assert_recovers(
    project: Project, broken: Done, breaker: Breaker, wanted: Mapping[str, object], place: Path
) -> None:
    """The next `up` is clean, leaves what an undisturbed one does, and the one after it nothing."""
    journal = project.root / ".obsctl" / "journal.json"
    if not breaker.kind.keeps_journal:
        journal.unlink(missing_ok=True)
    assert journal.exists() or broken.code >= 0 or not breaker.kind.keeps_journal
    # Killed while it only waited, there is nothing to tell.
    cut_off = bool(interrupted_steps(journal.parent))
    done = up(project)
    assert ("the last `up` was cut off" in done.stderr) == cut_off, done
    assert not journal.exists()
    assert project.shape() == wanted
    assert_up_is_quiet(project, place)
