"""Kibana: available means that it works with Elasticsearch."""

from collections.abc import Iterator
from typing import Final

from obsctl.health.context import Context
from obsctl.health.report import Finding

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
