"""SIGINT and SIGTERM as a request to come to a sound end; the second one leaves at once."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from obsctl.errors import Problem, Stopped, Terminated

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_LOOK_S: Final = 0.1


class Interrupt:
    """Whether the user has asked to stop; safe to ask from any thread."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None

    @property
    def is_set(self) -> bool:
        return self.signal is not None

    def check(self) -> None:
        """Raise Stopped or Terminated once the user has asked to stop."""
        if self.signal is not None:
            raise self.error(Problem(f"stopped by {self.signal.name}"))

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
def interruptible() -> Iterator[Interrupt]:
    """Handle the signals in this block; outside of the main thread they stay as they are."""
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return
    before = {number: signal.signal(number, interrupt.receive) for number in _SIGNALS}
    try:
        yield interrupt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
