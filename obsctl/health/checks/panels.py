"""Each panel's query answers, and with data."""

from collections.abc import Iterator, Sequence
from typing import Final

from obsctl.conventions import DATASOURCE_PROMETHEUS
from obsctl.health.checks.rules import live
from obsctl.health.checks.targets import down_jobs
from obsctl.health.context import Context
from obsctl.health.panels import PanelQuery, panel_queries
from obsctl.health.probe import ProbeError
from obsctl.health.report import Finding

_SHOWN: Final = 3


def panels_answer(context: Context) -> Iterator[Finding]:
    """Queries with an error, panels whose metrics nobody exports, and the count of all others."""
    queries = [
        query
        for dashboard in context.stack.dashboards
        for query in panel_queries(dashboard.model)
        if query.datasource in ("", DATASOURCE_PROMETHEUS)
    ]
    empty: list[PanelQuery] = []
    problems: list[Finding] = []
    for query in queries:
        try:
            if not context.query(query.expr):
                empty.append(query)
        except ProbeError as error:
            problems.append(_failed(context, query, error))
    problems += _without_data(context, empty)
    yield from problems
    if len(queries) > len(problems):
        claim = context.claim("signals", "grafana", "the queries of its panels answer")
        yield claim.ok(f"{len(queries) - len(problems)} of {len(queries)} panel queries")


def _failed(context: Context, query: PanelQuery, error: ProbeError) -> Finding:
    if error.code != "query-failed":
        raise error
    claim = context.claim("signals", query.dashboard, f"panel `{query.title}` answers")
    return claim.fail("panel-error", error.evidence, panel=query.title)


def _without_data(context: Context, queries: Sequence[PanelQuery]) -> Iterator[Finding]:
    """Those whose metrics are missing; the others wait for something to happen."""
    groups = context.data("/api/v1/rules")["groups"]
    liveness = live([r for group in groups for r in group["rules"] if r["type"] == "recording"])
    liveness.learn({query.expr for query in queries}, context.query)
    down = down_jobs(context)
    for query in queries:
        reasons = liveness.why_dead(query.expr)
        jobs = {liveness.origins[reason].value_of("job") for reason in reasons}
        if reasons and not jobs <= down:  # else it is the effect of a target that is down
            claim = context.claim("signals", query.dashboard, f"panel `{query.title}` has data")
            yield claim.warn("panel-empty", "; ".join(reasons[:_SHOWN]), panel=query.title)
