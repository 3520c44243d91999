"""How many series there are: a label with too many values fills memory long before the disk."""

from collections.abc import Iterator
from typing import Final

from obsctl.health.asking.context import Context
from obsctl.health.findings.report import Finding

_SERIES_OF_ONE: Final = 10_000
"""Of one metric: even 50 routes with 20 statuses and 10 buckets stay below."""


def series_stay_few(context: Context) -> Iterator[Finding]:
    """The metrics with the most series, from Prometheus's own statistics of its head block."""
    status = context.data("/api/v1/status/tsdb")
    claim = context.claim("signals", "prometheus", "no metric has too many series")
    large = [
        entry for entry in status["seriesCountByMetricName"] if entry["value"] > _SERIES_OF_ONE
    ]
    for entry in large:
        metric = context.claim("signals", entry["name"], "has few enough series")
        labels = status["labelValueCountByLabelName"][:1]
        widest = "".join(
            f"; the label `{label['name']}` has {label['value']:,} values" for label in labels
        )
        told = f"{entry['value']:,} series{widest}"
        yield metric.about("prometheus").warn("cardinality", told, metric=entry["name"])
    if not large:
        yield claim.ok(f"{status['headStats']['numSeries']:,} series in memory")
