"""Which selectors have series in the live Prometheus, and which rules cannot fire without."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from obsctl.health.judging.promql import Selector, missing, quoted, selectors

_BATCH: Final = 40
"""Selectors in one query: a few dozen cost Prometheus as little as one."""

Ask = Callable[[str], Iterable[Mapping[str, Mapping[str, str]]]]
"""Instant query: the vector, each sample with its labels under `metric`."""


@dataclass(slots=True)
class Liveness:
    """Answers, for any number of expressions at once, why they can have no result.

    `recorded` are the live recording rules, name -> expressions: a recorded metric without
    series is traced to what its rule lacks.
    """

    recorded: Mapping[str, Sequence[str]]
    present: set[Selector] = field(default_factory=set)
    origins: dict[str, Selector] = field(default_factory=dict)  # reason -> what is missing

    def learn(self, exprs: Iterable[str], ask: Ask) -> None:
        """Ask Prometheus about every selector of `exprs`, and of what they are recorded from."""
        wanted = self._closure(exprs)
        self.present |= _with_series(wanted, ask)
        # Only for those without a series: is it the metric that is missing, or just a value?
        absent = wanted - self.present
        wider = {selector.origin for selector in absent}
        wider |= {s.with_label(label) for s in absent for label in s.required_labels}
        self.present |= _with_series(wider - self.present - absent, ask)

    def why_dead(self, expr: str) -> tuple[str, ...]:
        """Reasons in words, one per missing metric; empty when the expression can fire."""
        try:
            return missing(expr, self._reasons)
        except ValueError:
            return ()  # Prometheus took it, so it is newer than our parser

    def _closure(self, exprs: Iterable[str]) -> set[Selector]:
        wanted: set[Selector] = set()
        queue = list(exprs)
        seen: set[str] = set()
        while queue:
            expr = queue.pop()
            if expr in seen:
                continue
            seen.add(expr)
            found = _selectors(expr)
            wanted |= found
            queue += [rule for s in found for rule in self.recorded.get(s.name, ())]
        return wanted

    def _reasons(self, selector: Selector) -> tuple[str, ...]:
        if selector in self.present:
            return ()
        if selector.name in self.recorded:
            return self._recorded_reasons(selector)
        if selector.origin not in self.present:
            return self._reason(selector.origin, f"no series `{selector.origin}`")
        for label in selector.required_labels:
            if selector.with_label(label) not in self.present:
                return self._reason(selector, f"`{selector.origin}` has no label `{label}`")
        return ()  # the metric is there; what the rule waits for has not happened yet

    def _recorded_reasons(self, selector: Selector) -> tuple[str, ...]:
        """A recorded metric is alive when one of its rules can have a result."""
        reasons = [self.why_dead(expr) for expr in self.recorded[selector.name]]
        return () if not all(reasons) else tuple(r for group in reasons for r in group)

    def _reason(self, selector: Selector, words: str) -> tuple[str, ...]:
        self.origins[words] = selector
        return (words,)


def _selectors(expr: str) -> frozenset[Selector]:
    try:
        return selectors(expr)
    except ValueError:
        return frozenset()


def _with_series(wanted: Iterable[Selector], ask: Ask) -> set[Selector]:
    """Those of `wanted` that select at least one series now."""
    found: set[Selector] = set()
    for batch in _batches(sorted(s for s in wanted if s.name or s.matchers)):
        parts = (
            f'label_replace(group({selector}), "obsctl", {quoted(str(index))}, "", "")'
            for index, selector in enumerate(batch)
        )
        answer = ask(" or ".join(parts))
        found |= {batch[int(sample["metric"]["obsctl"])] for sample in answer}
    return found


def _batches(items: Sequence[Selector]) -> Iterator[list[Selector]]:
    iterator = iter(items)
    while batch := list(islice(iterator, _BATCH)):
        yield batch
