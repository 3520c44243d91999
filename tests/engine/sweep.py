"""The points at which `up` is broken, and the figures of how often it converged."""

import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")
Record = Callable[[str, object], None]
SWEEP = "sweep"  # the property of a test that holds its figures, printed at the end

# Every point takes minutes; OBSCTL_FAULTS=all does, and else a few spread over the run.
ALL = os.environ.get("OBSCTL_FAULTS") == "all"


@dataclass
class Sweep:
    """Points tried so far, and what did not converge."""

    name: str
    calls: int
    tried: int = 0
    failures: list[str] = field(default_factory=list)

    @contextmanager
    def point(self, what: object) -> Iterator[None]:
        """One point; a failed claim is counted, and told when all points have been tried."""
        self.tried += 1
        try:
            yield
        except AssertionError as failure:
            self.failures.append(f"{what}: {failure}")

    def __str__(self) -> str:
        converged = self.tried - len(self.failures)
        return f"{self.name}: {self.calls} calls, {self.tried} points, {converged} converged"


def points(calls: int, ways: Sequence[T], some: int) -> list[tuple[int, T]]:
    """Call numbers and ways to break them: all, or `some` over the whole run, each way in turn."""
    if ALL:
        return list(itertools.product(range(1, calls + 1), ways))
    numbers = [1 + index * (calls - 1) // (some - 1) for index in range(some)]
    return list(zip(numbers, itertools.cycle(ways), strict=False))
