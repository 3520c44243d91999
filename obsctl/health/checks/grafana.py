"""Grafana: it works, our login holds, and datasources and dashboards are the rendered ones."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from obsctl.engine.components.compare import first_difference
from obsctl.health.asking.context import Context
from obsctl.health.asking.probe import ProbeError
from obsctl.health.findings.report import Finding
from obsctl.health.judging.panels import dashboard_difference

_OK: Final = 200
_NOT_FOUND: Final = 404
_SOURCES: Final = "grafana/provisioning/datasources/obsctl.yml"
_DASHBOARDS: Final = "grafana/dashboards/"
# What Grafana tells again of a datasource; it keeps its passwords to itself.
_SOURCE_KEYS: Final = frozenset(
    {"name", "type", "access", "url", "isDefault", "basicAuth", "basicAuthUser", "jsonData"}
)
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
    """Each datasource of the provisioning file by its uid, with its settings."""
    for source in context.on_disk(_SOURCES).get("datasources") or ():
        uid = source["uid"]
        claim = context.claim("configuration", "grafana", f"has the datasource {source['name']}")
        answer = context.get("grafana", f"/api/datasources/uid/{uid}")
        if answer.status == _NOT_FOUND:
            yield claim.fail("datasource-missing", f"uid {uid}: not found", uid=uid)
            continue
        wanted = {key: value for key, value in source.items() if key in _SOURCE_KEYS}
        if found := first_difference(wanted, answer.json()):
            yield claim.fail("datasource-differs", found, uid=uid)
        else:
            yield claim.ok(f"{source['type']} at {source['url']}")


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
    """Each dashboard file is there under its uid, with the file's panels and queries."""
    models = [
        context.on_disk(path) for path in sorted(context.files) if path.startswith(_DASHBOARDS)
    ]
    problems = [finding for model in models if (finding := _dashboard(context, model))]
    yield from problems
    if len(models) > len(problems):
        claim = context.claim("configuration", "grafana", "has the rendered dashboards")
        yield claim.ok(f"{len(models) - len(problems)} dashboards equal")


def _dashboard(context: Context, model: Mapping[str, Any]) -> Finding | None:
    uid, title = model.get("uid"), model.get("title")
    claim = context.claim("configuration", "grafana", f"has the dashboard {title}")
    answer = context.get("grafana", f"/api/dashboards/uid/{uid}")
    if answer.status == _NOT_FOUND:
        return claim.fail("dashboard-missing", f"uid {uid}: not found", uid=uid)
    found = dashboard_difference(model, answer.json()["dashboard"])
    return claim.fail("dashboard-differs", found, uid=uid) if found else None
