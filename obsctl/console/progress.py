"""Progress of services: live on a terminal, a line for each new state elsewhere."""

import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Literal, Protocol

from obsctl.console.text import escaped

if TYPE_CHECKING:
    from rich.table import Table

# What moves within one state of a step, such as "pulling 12.5 MB of 88 MB".
_MOVING: Final = re.compile(r"[0-9.]+ ?(%|[kKMG]?i?B|s)?")

Outcome = Literal["running", "done", "failed"]


class StepEvent(Protocol):
    """One thing that happened to a service (or an image): its state, and whether it ended."""

    @property
    def subject(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def outcome(self) -> Outcome: ...
    @property
    def details(self) -> tuple[str, ...]: ...


class PlainSteps:
    """One line for each new state; counters that move within a state make no new line."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._last: dict[str, str] = {}

    def __call__(self, event: StepEvent) -> None:
        state = _MOVING.sub("", event.state)
        if self._last.get(event.subject) != state:
            self._last[event.subject] = state
            self._write(escaped(f"{event.subject}: {event.state}"))


class Board:
    """The live form: a row per service with its latest state and the time it has taken."""

    def __init__(self) -> None:
        self._events: dict[str, StepEvent] = {}
        self._begun_s: dict[str, float] = {}
        self._ended_s: dict[str, float] = {}

    def __call__(self, event: StepEvent) -> None:
        now = time.monotonic()
        # Another thread draws: the times are there before the row is.
        self._begun_s.setdefault(event.subject, now)
        if event.outcome != "running":
            self._ended_s[event.subject] = now
        else:
            self._ended_s.pop(event.subject, None)
        self._events[event.subject] = event

    def table(self) -> "Table":
        from rich.table import Table
        from rich.text import Text

        marks = {"running": ("·", "cyan"), "done": ("✓", "green"), "failed": ("✗", "red")}
        grid = Table.grid(padding=(0, 2))
        for subject, event in tuple(self._events.items()):
            mark, style = marks[event.outcome]
            until = self._ended_s.get(subject, time.monotonic())
            elapsed = f"{until - self._begun_s[subject]:.1f}s"
            state = Text(escaped(event.state), style=style, overflow="ellipsis", no_wrap=True)
            grid.add_row(Text(mark, style=style), Text(escaped(subject)), state, Text(elapsed))
            for detail in event.details:
                part = Text(escaped(detail), style="dim", overflow="ellipsis", no_wrap=True)
                grid.add_row(Text(), Text(), part, Text())
        return grid
