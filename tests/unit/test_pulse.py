"""A call to an Engine that is slow is waited for; one to an Engine that hangs is given up."""

import threading

import pytest

from obsctl.engine.connection import pulse as module
from obsctl.engine.connection.pulse import Pulse
from obsctl.errors import EngineError


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_S", 0.01)
    monkeypatch.setattr(module, "_TELL_AFTER_S", 0.05)


class Engine:
    """What answers pings, or what comes instead."""

    def __init__(self, silence: Exception | None = None) -> None:
        self.silence = silence
        self.asked: list[float] = []

    def ping(self, within_s: float) -> Exception | None:
        self.asked.append(within_s)
        return self.silence


def fails() -> None:
    raise KeyError("its own")


def test_a_quick_answer_needs_no_ping() -> None:
    engine = Engine()
    pulse = Pulse("unix:///s", engine.ping)
    assert pulse.call("create it", lambda: 7) == 7
    with pytest.raises(KeyError, match="its own"):
        pulse.call("create it", fails)
    assert engine.asked == []


def test_a_slow_answer_is_waited_for_and_told_once() -> None:
    engine, told, enough = Engine(), list[str](), threading.Event()
    pulse = Pulse("unix:///s", engine.ping)

    def tell(text: str) -> None:
        told.append(text)
        enough.set()

    pulse.tell = tell
    assert pulse.call("stop `redis`", lambda: enough.wait(30))
    assert told == ["the Engine answers, but takes its time to stop `redis`; waiting"]
    assert engine.asked


def test_a_hung_engine_is_told_and_then_asked_only_briefly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine, never = Engine(TimeoutError()), threading.Event()
    pulse = Pulse("unix:///s", engine.ping)
    with pytest.raises(EngineError, match="hangs: no answer within 7 s; asked to stop `redis`"):
        pulse.call("stop `redis`", lambda: never.wait(30))
    monkeypatch.setattr(module, "PATIENCE_S", 0.0)
    with pytest.raises(EngineError, match="asked to start `redis`"):
        pulse.call("start `redis`", lambda: 1)
    assert engine.asked == [module.PING_S, module._PING_AGAIN_S]  # noqa: SLF001 - what it is for
    engine.silence = None
    never.set()
    assert pulse.call("start `redis`", lambda: 1) == 1


def test_an_engine_that_has_gone_is_not_called_hung() -> None:
    pulse = Pulse("unix:///s", Engine(ConnectionRefusedError()).ping)
    with pytest.raises(EngineError, match="is not running at `unix:///s`; asked to stop it"):
        pulse.call("stop it", lambda: threading.Event().wait(30))


def test_a_limit_ends_the_waiting() -> None:
    engine = Engine()
    with pytest.raises(EngineError, match=r"cannot run it: no end after 0\.05 s"):
        Pulse("unix:///s", engine.ping).call("run it", lambda: threading.Event().wait(9), 0.05)
