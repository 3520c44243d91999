"""promtool unit tests of the rendered alerts, from the cases of the catalogue.

Values follow the project's own thresholds: just within on the silent side, just beyond on the
firing one, so that a threshold half as high again makes a test fail.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from obsctl.catalog.model import Alert, Case, HistogramSeries, Tier
from obsctl.catalog.text import number
from obsctl.project.quantities import Duration
from obsctl.stack.alerts import Applied
from obsctl.stack.expressions import labels_text
from obsctl.stack.model import RuleTest
from obsctl.stack.subjects import Subject

# Beyond this, evaluating every rule at every minute takes too long for each run.
_SLOW_S: Final = 4 * 3600
# promtool's time goes by the number of evaluations. Below five minutes a recorded series is still
# seen at the next one, whichever of two rule groups comes first.
EVALUATION_S: Final = 240
# Inputs of the slow tests are the recorded series themselves, every five minutes.
SLOW_EVALUATION_S: Final = 3600
_STEP: Final = 0.2  # how far beside a threshold a test looks
_TITLES_MAX: Final = 3
_METRIC: Final = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\{")


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
        family = tests.setdefault((look.interval, look.at_s > _SLOW_S), [])
        test = next((test for test in family if test.has_room(look)), None)
        if test is None:
            test = _Test()
            family.append(test)
        test.add(look)
    return tuple(
        RuleTest(test.document(interval), slow)
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

    def document(self, interval: str) -> dict[str, Any]:
        titles = [look.title for look in self.looks]
        rest = len(titles) - _TITLES_MAX
        name = "; ".join(titles[:_TITLES_MAX]) + (f"; and {rest} more" if rest > 0 else "")
        series = {name: values for look in self.looks for name, values in look.series.items()}
        return {
            "name": name,
            "interval": interval,
            "input_series": [{"series": name, "values": values} for name, values in series.items()],
            "promql_expr_test": [_question(look) for look in self.looks],
        }


def _question(look: Look) -> dict[str, Any]:
    return {
        "expr": look.expr,
        "eval_time": _duration(look.at_s),
        "exp_samples": [{"labels": labels, "value": 1} for labels in look.samples],
    }


def looks(applied: Applied) -> Iterator[Look]:
    """Every case of an alert on one service, `[[ value ]]` cases once for each side."""
    live = [tier for tier in applied.alert.tiers if _rule_of(applied, tier)]
    for case in applied.alert.tests:
        if not applied.subject.uses(*case.series, *(h.series for h in case.histograms)):
            continue
        if case.fires is not None:
            yield _look(applied, case, _given(live, case.fires))
            continue
        yield _look(applied, case, [])
        for count in range(1, len(live) + 1):
            yield _look(applied, case, live[:count])


def _given(live: list[Tier], fires: tuple[str, ...]) -> list[Tier]:
    # A single tier may have got another severity by the project's tuning.
    if fires and len(live) == 1:
        return live
    return [tier for tier in live if tier.severity in fires]


def _rule_of(applied: Applied, tier: Tier) -> bool:
    return any(rule.labels["severity"] == tier.severity for rule in applied.rules)


def _look(applied: Applied, case: Case, fires: list[Tier]) -> Look:
    alert, subject = applied.alert, applied.subject
    at_s = _moment(alert, case)
    steps = at_s // int(Duration(case.interval).seconds)
    values = _values(alert, fires) | {"n": str(steps + 2), "m": str(steps)}
    series = {
        subject.fill(name, values): subject.fill(points, values)
        for name, points in case.series.items()
    }
    for histogram in case.histograms:
        series |= _histogram(subject, histogram, values, steps + 2)
    names = {"alertname": alert.name, "alertstate": "firing", "service": subject.service}
    sides = " and ".join(tier.severity for tier in fires) or "nothing"
    return Look(
        title=f"{subject.service}: {alert.name} fires {sides}",
        service=subject.service,
        interval=case.interval,
        series=series,
        expr=f"ALERTS{labels_text(names)}",
        at_s=at_s,
        samples=tuple(_sample(applied, case, tier) for tier in fires),
        metrics=metrics_read(subject, (rule.expr for rule in applied.rules)) | _names(series),
    )


def metrics_read(subject: Subject, expressions: Iterable[str]) -> frozenset[str]:
    """Metrics in expressions of the catalogue's form, and the sources of recorded ones."""
    found: set[str] = set()
    for expr in expressions:
        found.update(_METRIC.findall(expr))
    for recording in subject.kind.recordings:
        if recording.record in found and subject.uses(recording.expr):
            found.update(_METRIC.findall(subject.fill(recording.expr)))
    return frozenset(found)


def _names(series: Iterable[str]) -> frozenset[str]:
    return frozenset(name.partition("{")[0] for name in series)


def _moment(alert: Alert, case: Case) -> int:
    """Seconds until every tier has fired; rules are evaluated at multiples of the interval."""
    waits = [Duration(tier.for_).seconds for tier in alert.tiers if tier.for_]
    after, wait = Duration(case.after).seconds, max(waits, default=0)
    slow = after + wait + 2 * EVALUATION_S > _SLOW_S
    interval = SLOW_EVALUATION_S if slow else EVALUATION_S
    at_s = -(-after // interval) * interval + -(-wait // interval) * interval
    return int(max(at_s, _SLOW_S + interval) if slow else at_s)


def _sample(applied: Applied, case: Case, tier: Tier) -> str:
    alert, subject = applied.alert, applied.subject
    labels = {"alertname": alert.name, "alertstate": "firing", "severity": tier.severity}
    labels |= {**subject.labels, **alert.labels}
    if "[[ selector ]]" in alert.expr:
        labels["job"] = subject.service
    labels |= {subject.fill(name): subject.fill(value) for name, value in case.labels.items()}
    return f"ALERTS{labels_text(labels)}"


def _values(alert: Alert, fires: list[Tier]) -> dict[str, str]:
    """`[[ value ]]` for a side, and each tier's threshold by its severity."""
    tiers = [tier for tier in alert.tiers if tier.threshold is not None]
    values = {tier.severity: number(tier.threshold or 0) for tier in tiers}
    if tiers:
        thresholds = [tier.threshold or 0.0 for tier in tiers]
        values["value"] = number(round(side_value(alert, thresholds, len(fires)), 9))
    return values


def side_value(alert: Alert, thresholds: list[float], fires: int) -> float:
    """A measurement at which exactly the first `fires` tiers fire."""
    if fires == 0:
        return _mild(thresholds[0], alert)
    beyond = thresholds[fires - 1]
    following = thresholds[fires] if fires < len(thresholds) else None
    if alert.below:
        value = beyond * (1 - _STEP)
        return value if following is None else max(value, (beyond + following) / 2)
    value = beyond * (1 + _STEP) if beyond else 1.0
    limits = [(beyond + following) / 2] if following is not None else []
    if alert.unit == "ratio":
        limits.append((beyond + 1) / 2)
    return min([value, *limits])


def _mild(threshold: float, alert: Alert) -> float:
    if not alert.below:
        return threshold * (1 - _STEP)
    value = threshold * (1 + _STEP)
    return min(value, (threshold + 1) / 2) if alert.unit == "ratio" else value


def _histogram(
    subject: Subject, histogram: HistogramSeries, values: Mapping[str, str], n: int
) -> dict[str, str]:
    """Bucket counters of which the 95th percentile is as wanted, by linear interpolation."""
    p95 = float(subject.fill(histogram.p95, values))
    base, _, labels = subject.fill(histogram.series, values).rstrip("}").partition("{")
    bounds = subject.bounds(histogram.buckets)
    below = next((index for index, bound in enumerate(bounds) if bound > p95), len(bounds))
    share = _share_above(bounds, below, p95)
    requests = float(subject.fill(histogram.requests, values))
    lower = bounds[below - 1] if below else 0.0
    series = {}
    for bound in bounds:
        count = requests * (1 - share if bound <= lower else 1)
        series[f'{base}_bucket{{{labels},le="{number(bound)}"}}'] = _counter(count, n)
    series[f'{base}_bucket{{{labels},le="+Inf"}}'] = _counter(requests, n)
    series[f"{base}_count{{{labels}}}"] = _counter(requests, n)
    return series


def _share_above(bounds: tuple[float, ...], below: int, p95: float) -> float:
    """The share of requests in the bucket of the percentile, so that it lies where wanted."""
    if below == len(bounds):
        return 0.06  # beyond the last bound no percentile is defined, only the share
    lower = bounds[below - 1] if below else 0.0
    position = (p95 - lower) / (bounds[below] - lower)
    return min(1.0, 0.05 / (1 - position)) if position < 1 else 1.0


def _counter(step: float, n: int) -> str:
    return f"0+{number(round(step, 9))}x{n}"


def _duration(seconds: int) -> str:
    """`1d2h30m`, as promtool reads it."""
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
