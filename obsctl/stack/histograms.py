"""Histograms for unit tests: bucket counters with a 95th percentile that is asked for."""

from collections.abc import Mapping
from typing import Final

from obsctl.catalog.model import HistogramSeries
from obsctl.catalog.text import number
from obsctl.stack.subjects import Subject

_JUST_ABOVE: Final = 0.06  # share of requests beyond a bound that the alert counts at


def histogram_series(
    subject: Subject, histogram: HistogramSeries, values: Mapping[str, str], limit: float | None
) -> dict[str, str]:
    """Bucket counters of which the 95th percentile is as wanted, by linear interpolation.

    Where `limit`, the threshold that is crossed, is a bound itself, 6 % of the requests are just
    above it: more than the 5 % that may be, and few enough to be missed by a higher limit.
    """
    p95 = float(subject.fill(histogram.p95, values))
    requests = float(subject.fill(histogram.requests, values))
    base, _, labels = subject.fill(histogram.series, values).rstrip("}").partition("{")
    bounds = subject.bounds(histogram.buckets)
    exact = limit is not None and limit in bounds
    lower = limit if exact and limit is not None else max((0.0, *(b for b in bounds if b < p95)))
    share = _JUST_ABOVE if exact else _share_above(bounds, lower, p95)
    n = values["n"]
    series = {
        f'{base}_bucket{{{labels},le="{number(bound)}"}}': _counter(
            requests * (1 - share if bound <= lower else 1), n
        )
        for bound in bounds
    }
    series[f'{base}_bucket{{{labels},le="+Inf"}}'] = _counter(requests, n)
    series[f"{base}_count{{{labels}}}"] = _counter(requests, n)
    return series


def _share_above(bounds: tuple[float, ...], lower: float, p95: float) -> float:
    """The share of requests in the bucket of the percentile, so that it lies where wanted."""
    upper = next((bound for bound in bounds if bound > lower), p95)
    position = min(1.0, (p95 - lower) / (upper - lower))
    return min(1.0, 0.05 / (1 - position)) if position < 1 else 1.0


def _counter(step: float, n: str) -> str:
    return f"0+{number(round(step, 9))}x{n}"
