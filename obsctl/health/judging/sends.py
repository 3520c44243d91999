"""Whether what is sent arrives, from the counters and the log of who sends it; pure."""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

Samples = Sequence[Sequence[Any]]
"""Of one counter, as Prometheus answers them: pairs of a time in seconds and the value as text."""

_ERROR: Final = re.compile(r'\berr="((?:[^"\\]|\\.)*)"')
_RECEIVER: Final = re.compile(r"\breceiver=(\S+)")
_REASON_CHARACTERS: Final = 300


@dataclass(frozen=True, slots=True)
class Sends:
    """How many failed, and how many were sent and failed when anything was sent last.

    Last is between two samples, of which the first was at `last_after`, in seconds: its order is
    not known. `last_sent` counts what failed, too.
    """

    failed: int = 0
    last_after: float = 0.0
    last_sent: int = 0
    last_failed: int = 0

    @property
    def ends_badly(self) -> bool:
        """Whether nothing of what was sent last was taken."""
        return self.last_failed >= self.last_sent > 0


def sends(sent: Samples, failed: Samples) -> Sends:
    """What two counters of the same sender say together."""
    erred = dict(map(tuple, failed))
    both = [(float(at), float(count), float(erred.get(at, 0))) for at, count in sent]
    grown = [(a[0], _growth(a[1], b[1]), _growth(a[2], b[2])) for a, b in itertools.pairwise(both)]
    after, send, fail = next((step for step in reversed(grown) if step[1]), (0.0, 0.0, 0.0))
    return Sends(round(sum(step[2] for step in grown)), after, round(send), round(fail))


def since_start(samples: Samples) -> Samples:
    """The samples of the process that counts now: what one before it met is over."""
    falls = [
        n for n, (a, b) in enumerate(itertools.pairwise(samples), 1) if float(b[1]) < float(a[1])
    ]
    return samples[falls[-1] :] if falls else samples


def growth(samples: Samples) -> int:
    """By how much a counter has risen; it begins at 0 again when its process does."""
    values = [float(count) for _, count in samples]
    return round(sum(_growth(a, b) for a, b in itertools.pairwise(values)))


def _growth(before: float, after: float) -> float:
    return after - before if after >= before else after


def failure_reason(log: Sequence[str], integration: str) -> str:
    """The newest error that Alertmanager has logged for an integration, on one line.

    It begins with the receiver's name where the log has it.
    """
    mark = re.compile(rf"\b{re.escape(integration)}\[\d+\]")
    for line in reversed(log):
        found = _ERROR.search(line)
        if found and "otify" in line and mark.search(line):
            text = " ".join(found[1].replace(r"\n", " ").replace(r"\"", '"').split())
            receiver = _RECEIVER.search(line)
            start = f"{receiver[1]}: " if receiver and receiver[1] not in text else ""
            return f"{start}{text}"[:_REASON_CHARACTERS]
    return ""
