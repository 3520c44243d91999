"""promtool unit tests of the burn-rate alerts: each rate for itself."""

from collections.abc import Iterator

from obsctl.catalog.text import number
from obsctl.stack.expressions import labels_text
from obsctl.stack.packing import Look
from obsctl.stack.slo import Promise, bound_values


def looks(promise: Promise) -> Iterator[Look]:
    """Every rate for itself: below all, the ticket's, the slow page's, and a burst."""
    budget = promise.budget
    steady = {"nothing": 0.8, "warning": 1.2}
    for sides, factor in steady.items():
        fires = () if sides == "nothing" else ("warning",)
        yield _look(promise, sides, ((factor * budget, 40),), fires)
    slow = min(7.2 * budget, (6 * budget + 1) / 2)
    both = ("warning", "critical")
    yield _look(promise, "critical, slowly", ((slow, 40),), both)
    # Two clean hours, then one with a burst: over six hours it stays below the slow page.
    burst = min(17 * budget, (14.4 * budget + 1) / 2)
    yield _look(promise, "critical, at once", ((0.0, 130), (burst, 62)), both)


def _look(
    promise: Promise, title: str, phases: tuple[tuple[float, int], ...], fires: tuple[str, ...]
) -> Look:
    subject = promise.subject
    minutes = sum(length for _, length in phases)
    rate = float(subject.fill(promise.objective.requests))
    values = bound_values(promise) | {
        "good": _points([(1 - bad, length) for bad, length in phases], rate),
        "bad": _points(list(phases), rate),
        "total": _points([(1.0, minutes)], rate),
    }
    names = {"alertname": promise.alert, "alertstate": "firing", "service": subject.service}
    samples = [
        {
            **names,
            "severity": severity,
            **subject.labels,
            "slo": promise.name,
            "job": subject.service,
        }
        for severity in fires
    ]
    return Look(
        title=f"{subject.service}: {promise.alert} fires {title}",
        service=subject.service,
        interval="1m",
        series={
            subject.fill(name, values): subject.fill(points, values)
            for name, points in promise.objective.series.items()
        },
        expr=f"ALERTS{labels_text(names)}",
        at_s=minutes * 60,
        samples=tuple(f"ALERTS{labels_text(labels)}" for labels in samples),
        # Whatever reads requests or latencies: nothing else of the service goes into this test.
        metrics=frozenset(
            subject.fill(name.partition("{")[0]) for name in promise.objective.series
        ),
    )


def _points(phases: list[tuple[float, int]], rate: float) -> str:
    """promtool's notation of a counter that grows at these shares of the traffic."""
    parts, value = [], 0.0
    for share, length in phases:
        step = round(share * rate, 9)
        parts.append(f"{number(round(value, 9))}+{number(step)}x{length}")
        value += step * (length + 1)
    return " ".join(parts)
