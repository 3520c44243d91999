"""Bugsink: its web process answers; whether errors arrive, only the canary tells."""

from collections.abc import Iterator
from typing import Final

from obsctl.health.asking.context import Context
from obsctl.health.findings.report import Finding

_OK: Final = 200


def ready(context: Context) -> Iterator[Finding]:
    claim = context.claim("readiness", "bugsink", "answers")
    answer = context.get("bugsink", "/health/ready")
    if answer.status != _OK:
        yield claim.fail("not-ready", f"/health/ready: {answer.excerpt}", component="bugsink")
        return
    yield claim.ok(f"200 in {answer.seconds * 1000:.0f} ms")
