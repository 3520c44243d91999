"""Each panel's query answers, and with data."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from obsctl.conventions import DATASOURCE_ELASTICSEARCH, DATASOURCE_PROMETHEUS
from obsctl.health.asking.context import Context
from obsctl.health.asking.probe import ProbeError, Request
from obsctl.health.checks.rules import live
from obsctl.health.checks.targets import EARLY, down_jobs, is_early
from obsctl.health.findings.claim import Claim
from obsctl.health.findings.report import Finding
from obsctl.health.judging.applicable import excuse
from obsctl.health.judging.liveness import Liveness
from obsctl.health.judging.panels import PanelQuery, panel_queries

_SHOWN: Final = 3
_OF_ALERTS: Final = frozenset({"ALERTS", "ALERTS_FOR_STATE"})


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
    subject = f"{query.dashboard}/{query.title}"
    claim = context.claim("signals", subject, "answers").about("grafana")
    return claim.fail("panel-error", error.evidence, panel=query.title)


def _without_data(context: Context, queries: Sequence[PanelQuery]) -> Iterator[Finding]:
    """Those whose metrics are missing; the others wait for something to happen."""
    rules = [rule for group in context.data("/api/v1/rules")["groups"] for rule in group["rules"]]
    liveness = live([rule for rule in rules if rule["type"] == "recording"])
    liveness.learn({query.expr for query in queries}, context.query)
    by_panel: dict[tuple[str, str], dict[str, None]] = {}
    for query in queries:
        reasons = by_panel.setdefault((query.dashboard, query.title), {})
        reasons |= dict.fromkeys(liveness.why_dead(query.expr))
    for (dashboard, title), missing in by_panel.items():
        if not missing:
            continue
        claim = context.claim("signals", f"{dashboard}/{title}", "has data").about("grafana")
        if await_rules(rules, {liveness.origins[reason].name for reason in missing}):
            yield claim.skip("Prometheus has just started and writes no series of alerts yet")
        else:
            yield from _empty(context, claim, liveness, tuple(missing))


def await_rules(rules: Sequence[Mapping[str, Any]], metrics: Collection[str]) -> bool:
    """Whether it is only Prometheus's own series of alerts that are missing, after a start.

    It writes them from its third evaluation on, so an alert can fire while there is none.
    """
    return _OF_ALERTS.issuperset(metrics) and any(
        rule["type"] == "alerting" and (rule["health"] == "unknown" or rule["state"] != "inactive")
        for rule in rules
    )


def _empty(
    context: Context, claim: Claim, liveness: Liveness, reasons: tuple[str, ...]
) -> Iterator[Finding]:
    jobs = {liveness.origins[reason].value_of("job") for reason in reasons}
    if jobs <= down_jobs(context):
        return  # the effect of a target that is down
    if words := excuse(context, liveness, reasons):
        yield claim.not_applicable(words)
        return
    if is_early(context):
        yield claim.not_yet(EARLY)
        return
    yield claim.warn("panel-empty", "; ".join(reasons[:_SHOWN]), panel=claim.subject)


def log_panels_answer(context: Context) -> Iterator[Finding]:
    """Panels on Elasticsearch, asked the way that Grafana asks for a person who looks at them."""
    queries = [
        query
        for dashboard in context.stack.dashboards
        for query in panel_queries(dashboard.model)
        if query.datasource == DATASOURCE_ELASTICSEARCH
    ]
    if not queries:
        return
    results = _through_grafana(context, queries)
    failed = 0
    for index, query in enumerate(queries):
        error = (results.get(f"Q{index}") or {}).get("error")
        if error:
            failed += 1
            claim = context.claim("signals", f"{query.dashboard}/{query.title}", "answers")
            panel = claim.about("grafana")
            yield panel.fail("log-panel-error", f"{query.expr}: {error}", panel=panel.subject)
    if len(queries) > failed:
        claim = context.claim("signals", "grafana", "the queries of its log panels answer")
        yield claim.ok(f"{len(queries) - failed} of {len(queries)} panel queries")


def _through_grafana(context: Context, queries: Sequence[PanelQuery]) -> dict[str, Any]:
    """The results of /api/ds/query by refId: Q and the number of the query."""
    asked = [
        {
            **query.target,
            "query": query.expr,
            "refId": f"Q{index}",
            "datasource": {"uid": query.datasource, "type": "elasticsearch"},
            "intervalMs": 60_000,
            "maxDataPoints": 100,
        }
        for index, query in enumerate(queries)
    ]
    body = {"from": "now-1h", "to": "now", "queries": asked}
    answer = context.ask("grafana", Request("/api/ds/query", "POST", body))
    document = answer.json()
    if "results" not in document:
        raise ProbeError("unexpected-status", f"/api/ds/query: {answer.excerpt}")
    results: dict[str, Any] = document["results"]
    return results
