"""promtool unit tests of the rendered alerts, from the cases of the catalogue.

Values follow the project's own thresholds: just within on the silent side, just beyond on the
firing one, so that a threshold half as high again makes a test fail.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from obsctl.catalog.model import Alert, Case, Tier
from obsctl.catalog.text import number
from obsctl.project.quantities import Duration
from obsctl.stack.alerts import Applied
from obsctl.stack.expressions import labels_text
from obsctl.stack.histograms import histogram_series
from obsctl.stack.packing import SLOW_S, Look
from obsctl.stack.subjects import Subject

# promtool's time goes by the number of evaluations. Below five minutes a recorded series is still
# seen at the next one, whichever of two rule groups comes first.
EVALUATION_S: Final = 240
# Inputs of the slow tests are the recorded series themselves, every five minutes. What a test costs
# is the number of evaluations of all rules, and two of them show that an alert fires.
SLOW_EVALUATION_S: Final = 4 * 3600
_STEP: Final = 0.2  # how far beside a threshold a test looks
_METRIC: Final = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\{")


def looks(applied: Applied) -> Iterator[Look]:
    """Every case of an alert on one service, `[[ value ]]` cases once for each side."""
    live = [tier for tier in applied.alert.tiers if _rule_of(applied, tier)]
    read = metrics_read(applied.subject, (rule.expr for rule in applied.rules))
    for case in applied.alert.tests:
        if not applied.subject.uses(*case.series, *(h.series for h in case.histograms)):
            continue
        if case.fires is not None:
            yield _look(applied, read, case, _given(live, case.fires))
            continue
        yield _look(applied, read, case, [])
        for count in range(1, len(live) + 1):
            for value in side_values(applied.alert, live, count):
                yield _look(applied, read, case, live[:count], value)


def _given(live: list[Tier], fires: tuple[str, ...]) -> list[Tier]:
    # A single tier may have got another severity by the project's tuning.
    if fires and len(live) == 1:
        return live
    return [tier for tier in live if tier.severity in fires]


def _rule_of(applied: Applied, tier: Tier) -> bool:
    return any(rule.labels["severity"] == tier.severity for rule in applied.rules)


def _look(
    applied: Applied,
    read: frozenset[str],
    case: Case,
    fires: list[Tier],
    value: float | None = None,
) -> Look:
    alert, subject = applied.alert, applied.subject
    at_s = _moment(alert, case)
    steps = at_s // int(_seconds(case.interval))
    values = _values(alert, fires, value) | {"n": str(steps + 2), "m": str(steps)}
    series = {
        subject.fill(name, values): subject.fill(points, values)
        for name, points in case.series.items()
    }
    for histogram in case.histograms:
        limit = fires[-1].threshold if fires else None
        series |= histogram_series(subject, histogram, values, limit)
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
        metrics=read | _names(series),
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
    waits = [_seconds(tier.for_) for tier in alert.tiers if tier.for_]
    after, wait = _seconds(case.after), max(waits, default=0)
    slow = after + wait + 3 * EVALUATION_S > SLOW_S
    interval = SLOW_EVALUATION_S if slow else EVALUATION_S
    at_s = -(-after // interval) * interval + -(-wait // interval) * interval
    if slow:
        return int(max(at_s, SLOW_S + interval))
    # A recorded series may be seen one evaluation late.
    return int(at_s + interval)


@lru_cache(maxsize=1024)  # the same few for every service
def _seconds(duration: str) -> float:
    return Duration(duration).seconds


def _sample(applied: Applied, case: Case, tier: Tier) -> str:
    alert, subject = applied.alert, applied.subject
    labels = {"alertname": alert.name, "alertstate": "firing", "severity": tier.severity}
    labels |= {**subject.labels, **alert.labels}
    if "[[ selector ]]" in alert.expr:
        labels["job"] = subject.service
    labels |= {subject.fill(name): subject.fill(value) for name, value in case.labels.items()}
    return f"ALERTS{labels_text(labels)}"


def _values(alert: Alert, fires: list[Tier], value: float | None) -> dict[str, str]:
    """`[[ value ]]` for a side, and each tier's threshold by its severity."""
    tiers = [tier for tier in alert.tiers if tier.threshold is not None]
    values = {tier.severity: number(tier.threshold or 0) for tier in tiers}
    if not tiers:
        return values
    if value is None:
        value = side_values(alert, tiers, len(fires))[0]
    return values | {"value": number(round(value, 9))}


def side_values(alert: Alert, tiers: list[Tier], fires: int) -> list[float]:
    """Measurements at which exactly the first `fires` tiers fire, near to their thresholds.

    Below, one just beyond the tier's threshold may be far from the next one's; then there is a
    second, just short of that.
    """
    thresholds = [tier.threshold or 0.0 for tier in tiers]
    if fires == 0:
        return [_mild(thresholds[0], alert)]
    beyond = thresholds[fires - 1]
    following = thresholds[fires] if fires < len(thresholds) else None
    if not alert.below:
        return [_above(beyond, following, alert)]
    value = beyond * (1 - _STEP)
    if following is None:
        return [value]
    between = (beyond + following) / 2
    return list(dict.fromkeys((max(value, between), min(following * (1 + _STEP), between))))


def _above(beyond: float, following: float | None, alert: Alert) -> float:
    limits = [beyond * (1 + _STEP) if beyond else 1.0]
    if following is not None:
        limits.append((beyond + following) / 2)
    if alert.unit == "ratio":
        limits.append((beyond + 1) / 2)
    return min(limits)


def _mild(threshold: float, alert: Alert) -> float:
    if not alert.below:
        return threshold * (1 - _STEP)
    value = threshold * (1 + _STEP)
    return min(value, (threshold + 1) / 2) if alert.unit == "ratio" else value
