"""What apply tells while it works, and what the Engine tells apply."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Literal

from obsctl.conventions import COMPOSE_PROJECT
from obsctl.engine.client import Engine
from obsctl.errors import EngineError

Outcome = Literal["running", "done", "failed"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened to `subject`: a service, an image, a network, a volume.

    `details` are lines about its parts, which are worth showing only as long as they change.
    """

    subject: str
    state: str
    outcome: Outcome = "running"
    details: tuple[str, ...] = ()


OnEvent = Callable[[Event], None]


class Watch:
    """Wakes whoever waits for a container as soon as the Engine reports something of it.

    An event is only a reason to look again: what counts is what inspect says.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._count = 0

    @property
    def count(self) -> int:
        return self._count

    def notify(self) -> None:
        """Wake everybody."""
        with self._changed:
            self._count += 1
            self._changed.notify_all()

    def wait(self, seen: int, seconds: float) -> None:
        """Until something happened after the event number `seen`, or the time is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._count != seen, seconds)


@contextmanager
def watching(engine: Engine, project: str) -> Iterator[Watch]:
    """Follow the project's container events in a thread, from now until the block ends."""
    watch = Watch()
    ended = threading.Event()
    # A daemon thread: the stream it reads blocks for as long as nothing happens.
    arguments = (engine, project, watch, ended)
    threading.Thread(target=_follow, args=arguments, daemon=True).start()
    try:
        yield watch
    finally:
        ended.set()


def _follow(engine: Engine, project: str, watch: Watch, ended: threading.Event) -> None:
    """A stream that breaks is opened again; meanwhile waiting looks by itself, less often."""
    since = f"{time.time():.9f}"
    while not ended.is_set():
        with (
            suppress(EngineError),
            engine.events(f"{COMPOSE_PROJECT}={project}", since) as stream,
        ):
            for _ in stream:
                watch.notify()
                if ended.is_set():
                    return
        ended.wait(0.5)
