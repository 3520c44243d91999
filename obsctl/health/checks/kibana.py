"""Kibana: available means that it works with Elasticsearch."""

from collections.abc import Iterator
from typing import Final

from obsctl.health.asking.context import Context
from obsctl.health.findings.report import Finding

_OK: Final = 200
_VIEW: Final = "obsctl-logs"
SETUP: Final = "kibana-setup"
_WORKS: Final = frozenset({"available", "degraded"})


def ready(context: Context) -> Iterator[Finding]:
    """/api/status, signed in: the levels of its core services."""
    claim = context.claim("readiness", "kibana", "answers and works with Elasticsearch")
    answer = context.get("kibana", "/api/status")
    status = answer.json()["status"]
    level = status["overall"]["level"]
    core = status.get("core") or {}
    told = ", ".join(f"{name}: {entry.get('level')}" for name, entry in core.items())
    if level not in _WORKS:
        evidence = f"/api/status: {level} {status['overall'].get('summary', '')} {told}"
        yield claim.fail("kibana-not-ready", evidence)
        return
    yield claim.ok(f"{level} in {answer.seconds * 1000:.0f} ms {told}".rstrip())


def data_view(context: Context) -> Iterator[Finding]:
    """The data view that links from dashboards and alerts lead to."""
    if SETUP not in context.services:
        return
    claim = context.claim("configuration", "kibana", "has the data view of the logs")
    answer = context.get("kibana", f"/api/data_views/data_view/{_VIEW}")
    if answer.status != _OK:
        yield claim.fail("data-view-missing", f"{_VIEW}: {answer.excerpt}")
        return
    yield claim.ok(f"{_VIEW}: {answer.json()['data_view']['title']}")
