"""SIGINT and SIGTERM as a request to come to a sound end; the second one leaves at once."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from obsctl.errors import Problem, Stopped, Terminated

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_LOOK_S: Final = 0.1


class Interrupt:
    """Whether the user has asked to stop; safe to ask from any thread."""

    def __init__(self, tell: Callable[[str], None] = lambda _text: None) -> None:
        """`tell` hears that a signal was understood, where somebody acknowledges it."""
        self.signal: signal.Signals | None = None
        self._tell = tell
        self._told = False

    @property
    def is_set(self) -> bool:
        return self.signal is not None

    def check(self, stands: str = "", hint: str | None = None) -> None:
        """Raise Stopped or Terminated once the user has asked to stop.

        `stands` says what that leaves, `hint` how to go on; who knows more may replace both.
        """
        if self.signal is not None:
            words = f"interrupted by {self.signal.name}"
            raise self.error(Problem(f"{words}: {stands}" if stands else words, hint=hint))

    def acknowledge(self) -> None:
        """Tell once that what is under way is coming to its end; from the main thread."""
        if self.signal is not None and not self._told:
            self._told = True
            self._tell(f"{self.signal.name}: ending what is under way; once more leaves at once")

    def pause(self, seconds: float) -> None:
        """Sleep, but no longer than until the user asks to stop."""
        deadline = time.monotonic() + seconds
        self.check()
        while (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, _LOOK_S))
            self.check()

    def error(self, *problems: Problem) -> Stopped:
        """The error whose exit code tells of the signal."""
        kind = Terminated if self.signal is signal.SIGTERM else Stopped
        return kind(*problems)

    def receive(self, number: int, _frame: FrameType | None) -> None:
        """The signal handler."""
        if self.signal is not None:
            # Asked twice: every state is one from which the next `up` goes on.
            os._exit(128 + number)
        self.signal = signal.Signals(number)


@contextmanager
def interruptible(tell: Callable[[str], None]) -> Iterator[Interrupt]:
    """Handle the signals in this block; outside of the main thread they stay as they are."""
    interrupt = Interrupt(tell)
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return
    before = {number: signal.signal(number, interrupt.receive) for number in _SIGNALS}
    try:
        yield interrupt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
