"""Whether a metric that has no series is missing at all: some exist in some set-ups only."""

from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

from obsctl.health.asking.context import Context
from obsctl.health.judging.liveness import Liveness
from obsctl.health.judging.promql import Selector

_SUFFIXES: Final = ("_bucket", "_sum", "_count", "_total")


def excuse(context: Context, liveness: Liveness, reasons: Iterable[str]) -> str:
    """Why all of `reasons` are nothing to miss, in words; empty when one of them is."""
    by_excuse: dict[str, dict[str, None]] = {}
    for reason in reasons:
        selector = liveness.origins[reason]
        by_excuse.setdefault(_excuse(context, selector), {})[selector.name] = None
    if "" in by_excuse:
        return ""
    return "; ".join(f"{', '.join(names)}: {words}" for words, names in by_excuse.items())


def _excuse(context: Context, selector: Selector) -> str:
    job = selector.value_of("job") or ""
    names = {selector.name, *(selector.name.removesuffix(suffix) for suffix in _SUFFIXES)}
    optional = context.stack.optional_metrics.get(job, {})
    when = next((optional[name] for name in names if name in optional), None)
    if when:
        return f"only {when}"
    # Client libraries announce a metric before they have counted anything.
    return "nothing counted yet" if names & _announced(context, job) else ""


def _announced(context: Context, job: str) -> frozenset[str]:
    """The metrics that the targets of a job declare, with series or without."""
    if not job:
        return frozenset()
    selector = quote(f'{{job="{job}"}}')
    entries = context.data(f"/api/v1/targets/metadata?match_target={selector}")
    return frozenset(entry["metric"] for entry in entries)
