"""Grafana: it works, our login holds, and datasources and dashboards are the rendered ones."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from obsctl.health.context import Context
from obsctl.health.panels import panel_queries
from obsctl.health.probe import ProbeError
from obsctl.health.report import Finding
from obsctl.stack.model import Dashboard, Datasource

_OK: Final = 200
_NOT_FOUND: Final = 404
# Types whose health Grafana's backend can tell; for the others it answers 404.
_WITH_BACKEND: Final = frozenset({"prometheus", "elasticsearch"})


def ready(context: Context) -> Iterator[Finding]:
    """/api/health shows that its database works."""
    claim = context.claim("readiness", "grafana", "answers and its database works")
    answer = context.get("grafana", "/api/health", login=False)
    health = answer.json()
    if health["database"] != "ok":
        yield claim.fail("grafana-database", f"/api/health: {answer.excerpt}")
        return
    yield claim.ok(f"200 in {answer.seconds * 1000:.0f} ms, version {health['version']}")


def login(context: Context) -> Iterator[Finding]:
    """The password under secrets/ is the one that Grafana has in its database."""
    claim = context.claim("readiness", "grafana", "accepts the admin password of secrets/")
    answer = context.get("grafana", "/api/org")
    if answer.status != _OK:
        yield claim.fail("unexpected-status", f"/api/org: {answer.excerpt}", component="grafana")
        return
    yield claim.ok("signed in as admin")


def datasources(context: Context) -> Iterator[Finding]:
    """Each datasource by its uid, with the rendered type and URL."""
    for source in context.stack.datasources:
        claim = context.claim("configuration", "grafana", f"has the datasource {source.name}")
        answer = context.get("grafana", f"/api/datasources/uid/{source.uid}")
        if answer.status == _NOT_FOUND:
            yield claim.fail("datasource-missing", f"uid {source.uid}: not found", uid=source.uid)
            continue
        found = _datasource_difference(source, answer.json())
        if found:
            yield claim.fail("datasource-differs", found, uid=source.uid)
        else:
            yield claim.ok(f"{source.type} at {source.url}")


def _datasource_difference(source: Datasource, live: Mapping[str, Any]) -> str:
    for key in ("type", "url"):
        wanted, actual = getattr(source, key), live.get(key)
        if wanted != actual:
            return f"`{key}`: rendered `{wanted}`, Grafana has `{actual}`"
    return ""


def datasource_health(context: Context) -> Iterator[Finding]:
    """Each datasource answers Grafana: name, network, login."""
    for source in context.stack.datasources:
        if source.type not in _WITH_BACKEND:
            continue
        claim = context.claim("signals", "grafana", f"can query {source.name}")
        try:
            answer = context.get("grafana", f"/api/datasources/uid/{source.uid}/health")
        except ProbeError as error:
            if error.code != "no-answer":
                raise
            yield claim.fail("datasource-unhealthy", error.evidence, name=source.name)
            continue
        told = answer.json()
        if answer.status == _OK and told.get("status") == "OK":
            yield claim.ok(str(told.get("message")))
        elif "lugin" in str(told.get("message")) and answer.status == _NOT_FOUND:
            yield claim.fail("plugin-missing", answer.excerpt, plugin=source.type)
        else:
            yield claim.fail("datasource-unhealthy", answer.excerpt, name=source.name)


def dashboards(context: Context) -> Iterator[Finding]:
    """Each rendered dashboard is there under its uid, with the rendered queries."""
    problems = list(filter(None, (_dashboard(context, d) for d in context.stack.dashboards)))
    yield from problems
    whole = len(context.stack.dashboards) - len(problems)
    if whole:
        claim = context.claim("configuration", "grafana", "has the rendered dashboards")
        yield claim.ok(f"{whole} dashboards equal")


def _dashboard(context: Context, dashboard: Dashboard) -> Finding | None:
    claim = context.claim("configuration", "grafana", f"has the dashboard {dashboard.title}")
    answer = context.get("grafana", f"/api/dashboards/uid/{dashboard.uid}")
    if answer.status == _NOT_FOUND:
        return claim.fail("dashboard-missing", f"uid {dashboard.uid}: not found", uid=dashboard.uid)
    live = answer.json()["dashboard"]
    if live.get("title") != dashboard.title:
        evidence = f"title: rendered `{dashboard.title}`, Grafana has `{live.get('title')}`"
        return claim.fail("dashboard-differs", evidence, uid=dashboard.uid)
    wanted, actual = panel_queries(dashboard.model), panel_queries(live)
    if wanted == actual:
        return None
    pairs = zip(wanted, actual, strict=False)
    first = next((one for one, two in pairs if one != two), None)
    evidence = f"first panel that differs: {first.title}" if first else "number of panels differs"
    return claim.fail("dashboard-differs", evidence, uid=dashboard.uid)
