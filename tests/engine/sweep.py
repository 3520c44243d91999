"""The points at which `up` is broken, and the figures of how often it converged."""

import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import product
from math import gcd
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
Record = Callable[[str, object], None]
SWEEP = "sweep"  # the property of a test that holds its figures, printed at the end

# Every point takes seconds; OBSCTL_FAULTS=all does all, and else a few spread over the run.
ALL = os.environ.get("OBSCTL_FAULTS") == "all"


def _seed() -> int:
    """Which few: others for each commit, and the same again with what the figures name."""
    if given := os.environ.get("OBSCTL_FAULTS_SEED"):
        return int(given)
    command = ("git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return int(done.stdout[:4] or "0", 16)


SEED = _seed()


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
        seed = "" if ALL else f" (OBSCTL_FAULTS_SEED={SEED})"
        return f"{self.name}: {self.calls} calls, {self.tried} points, {converged} converged{seed}"


def some_of(whole: Sequence[T], some: int) -> list[T]:
    """All, or `some` spread over the whole, beginning elsewhere with another seed."""
    if ALL or some >= len(whole):
        return list(whole)
    # With no factor in common, so that a table is not met in one of its columns only.
    count, stride = len(whole), len(whole) // some
    while gcd(stride, count) > 1:
        stride += 1
    places = sorted((SEED + index * stride) % count for index in range(some))
    return [whole[place] for place in places]


class Sweeps:
    """One sweep for each of several ways to break the same `up`."""

    def __init__(self, name: str, calls: int) -> None:
        self._name = name
        self._calls = calls
        self._by_way: dict[str, Sweep] = {}

    def of(self, way: str) -> Sweep:
        return self._by_way.setdefault(way, Sweep(f"{self._name}, {way}", self._calls))

    def __str__(self) -> str:
        return "\n".join(map(str, self._by_way.values()))

    @property
    def failures(self) -> list[str]:
        return [one for sweep in self._by_way.values() for one in sweep.failures]


def points(calls: int, ways: Sequence[T], some: int) -> list[tuple[int, T]]:
    """Call numbers and ways to break them."""
    return some_of(list(product(range(1, calls + 1), ways)), some)
