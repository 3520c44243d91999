"""Unit tests of many alerts packed into few, since promtool evaluates all rules for each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from obsctl.stack.model import RuleTest

# Beyond this, evaluating every rule every few minutes takes too long for each run.
SLOW_S: Final = 4 * 3600
_TITLES_MAX: Final = 3


@dataclass(frozen=True, slots=True)
class Look:
    """One question to a unit test: which severities of an alert fire, and when it looks."""

    title: str
    service: str
    interval: str
    series: Mapping[str, str]
    expr: str
    at_s: int
    samples: tuple[str, ...]
    metrics: frozenset[str]  # that the alert reads, recorded ones and their sources included


def packed(looks: Iterable[Look]) -> tuple[RuleTest, ...]:
    """As few tests as possible: each look goes into the first where it disturbs no other.

    promtool evaluates every rule at every step of every test, however little is in it. Two looks
    may share a test unless they concern the same series of the same service. The longest are
    placed first, so that short ones find room beside them.
    """
    tests: dict[tuple[str, bool], list[_Test]] = {}
    for look in sorted(looks, key=lambda look: -look.at_s):
        family = tests.setdefault((look.interval, look.at_s > SLOW_S), [])
        test = next((test for test in family if test.has_room(look)), None)
        if test is None:
            test = _Test()
            family.append(test)
        test.add(look)
    return tuple(
        test.packed(interval, slow=slow)
        for (interval, slow), family in tests.items()
        for test in family
    )


@dataclass(slots=True)
class _Test:
    looks: list[Look] = field(default_factory=list)
    taken: dict[str, set[str]] = field(default_factory=dict)  # metrics, by service

    def has_room(self, look: Look) -> bool:
        taken = self.taken.get(look.service)
        return taken is None or taken.isdisjoint(look.metrics)

    def add(self, look: Look) -> None:
        self.looks.append(look)
        self.taken.setdefault(look.service, set()).update(look.metrics)

    def packed(self, interval: str, *, slow: bool) -> RuleTest:
        titles = [look.title for look in self.looks]
        rest = len(titles) - _TITLES_MAX
        name = "; ".join(titles[:_TITLES_MAX]) + (f"; and {rest} more" if rest > 0 else "")
        series = {name: values for look in self.looks for name, values in look.series.items()}
        questions = tuple(_question(look) for look in self.looks)
        return RuleTest(name, interval, series, questions, slow)


def _question(look: Look) -> dict[str, Any]:
    return {
        "expr": look.expr,
        "eval_time": _duration(look.at_s),
        "exp_samples": [{"labels": labels, "value": 1} for labels in look.samples],
    }


def _duration(seconds: int) -> str:
    """`1d2h30m`, as promtool reads it."""
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
