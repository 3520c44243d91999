"""Whether the Engine lives, found out while its answer is waited for: slow is not hung."""

import threading
import time
from collections.abc import Callable
from typing import Final, TypeVar

from obsctl.engine.connection.failures import unreachable
from obsctl.errors import EngineError, Problem

T = TypeVar("T")
Ping = Callable[[float], Exception | None]

# A hung Engine is told after both: within ten seconds. A busy one has to answer a ping in time.
PATIENCE_S: Final = 2.0
PING_S: Final = 7.0
# For an Engine that hung a moment ago: what is still to be undone should not wait as long again.
_PING_AGAIN_S: Final = 1.0
_TELL_AFTER_S: Final = 10.0


class Pulse:
    """Of the Engine at `address`; `ping` asks it on a connection of its own, within seconds.

    `tell` hears of what takes long. Safe to share between threads.
    """

    def __init__(self, address: str, ping: Ping) -> None:
        self.tell: Callable[[str], None] = lambda _text: None
        self._address = address
        self._ping = ping
        self._lock = threading.Lock()
        self._asked_at = 0.0
        self._silence: Exception | None = None

    def waiting(self, doing: str) -> "Wait":
        """Somebody begins to wait for the answer to `doing`."""
        return Wait(self, doing)

    def call(self, doing: str, ask: Callable[[], T], limit_s: float | None = None) -> T:
        """What `ask` returns or raises, however long it takes an Engine that lives.

        EngineError when the Engine hangs, and past `limit_s`: then nobody waits for it any more.
        """
        self.check(doing)
        results: list[T] = []
        errors: list[BaseException] = []
        ended = threading.Event()

        def run() -> None:
            try:
                results.append(ask())
            except BaseException as error:  # noqa: BLE001 - raised where it is waited for
                errors.append(error)
            ended.set()

        # A daemon thread: one that is given up on may be blocked for ever.
        threading.Thread(target=run, daemon=True).start()
        wait = self.waiting(doing)
        while not ended.wait(PATIENCE_S if limit_s is None else min(PATIENCE_S, limit_s)):
            wait.look(limit_s)
        if errors:
            raise errors[0]
        return results[0]

    def check(self, doing: str) -> None:
        """EngineError at once when the Engine hung a moment ago, and still does."""
        if self._silence is not None:
            self.look(doing, PING_S)

    def look(self, doing: str, waited_s: float) -> None:
        """Ask whether it lives, if nobody has just done so; EngineError when it does not."""
        with self._lock:
            allowed_s = PING_S if self._silence is None else _PING_AGAIN_S
            if time.monotonic() - self._asked_at >= min(PATIENCE_S, allowed_s):
                self._silence = self._ping(allowed_s)
                self._asked_at = time.monotonic()
            silence = self._silence
        if silence is not None:
            raise unreachable(silence, self._address, round(waited_s), doing) from silence


class Wait:
    """For one answer, or for the next part of one."""

    def __init__(self, pulse: Pulse, doing: str) -> None:
        self._pulse = pulse
        self._doing = doing
        self._began = time.monotonic()
        self._told = False

    def look(self, limit_s: float | None = None) -> None:
        """Called while nothing has come: EngineError when there is nothing to wait for."""
        waited_s = time.monotonic() - self._began
        if limit_s is not None and waited_s >= limit_s:
            raise EngineError(Problem(f"cannot {self._doing}: no end after {limit_s:g} s"))
        if waited_s < PATIENCE_S:
            return
        self._pulse.look(self._doing, waited_s + PING_S)
        if waited_s >= _TELL_AFTER_S and not self._told:
            self._told = True
            self._pulse.tell(f"the Engine answers, but takes its time to {self._doing}; waiting")
