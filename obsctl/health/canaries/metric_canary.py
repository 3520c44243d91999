"""A counter that the check itself raises is scraped, stored and found in Prometheus."""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from obsctl.engine.components.compare import duration_s
from obsctl.health.asking.again import attempts
from obsctl.health.asking.context import Context
from obsctl.health.asking.probe import ProbeError, Request, query_request
from obsctl.health.asking.run import Check
from obsctl.health.canaries.delivery import Canary, post_alert
from obsctl.health.findings.report import Finding

_CHECK_S: Final = 20.0
_GRACE_S: Final = 10.0
"""On top of one scrape interval: the scrape itself, and a busy machine."""
_JOB: Final = "alertmanager"
_METRIC: Final = "alertmanager_alerts_received_total"
_LABELS: Final = 'status="resolved",version="v2"'
_SAMPLE: Final = re.compile(rf"^{_METRIC}\{{{re.escape(_LABELS)}\}} (\S+)$", re.MULTILINE)


def metric_arrives(context: Context) -> Iterator[Finding]:
    """An alert that is over already is counted by Alertmanager, and nobody is told of it."""
    jobs = context.on_disk("prometheus/prometheus.yml").get("scrape_configs") or ()
    settings = next((job for job in jobs if job["job_name"] == _JOB), None)
    if settings is None:
        return
    claim = context.claim("canaries", "prometheus", "a counter that rises is found in Prometheus")
    interval = settings.get("scrape_interval") or context.stack.scrape_interval
    patient = context.within((duration_s(interval) or 0.0) + _GRACE_S)
    pushed = time.monotonic()
    canary = Canary({"alertname": "ObsctlCanary", "severity": "none"})
    post_alert(patient, canary, "obsctl check --deep: a counter rises", datetime.now(UTC))
    wanted = _counted(patient)
    found = _awaited(patient, wanted)
    took_s = time.monotonic() - pushed
    if found is None or found < wanted:
        has = "nothing" if found is None else f"{found:g}"
        told = f"{_METRIC} is {wanted:g}, Prometheus has {has} after {took_s:.0f} s"
        yield claim.fail("canary-metric-lost", told, job=_JOB)
        return
    yield claim.ok(f"{_METRIC} found after {took_s:.2f} s (scraped every {interval})")


def _counted(context: Context) -> float:
    """The counter as Alertmanager itself tells it."""
    answer = context.ask("alertmanager", Request("/metrics"))
    match = _SAMPLE.search(answer.text)
    if match is None:
        raise ProbeError("wrong-answer", f"{answer.url}: no {_METRIC}", url=answer.url)
    return float(match[1])


def _awaited(context: Context, wanted: float) -> float | None:
    """The counter as Prometheus tells it, once it is `wanted` or the time is over."""
    selector = f'max({_METRIC}{{job="{_JOB}",{_LABELS}}})'
    value = None
    for _ in attempts(context):
        answer = context.ask("prometheus", query_request(selector)).json()
        found = answer["data"]["result"]
        value = float(found[0]["value"][1]) if found else None
        if value is not None and value >= wanted:
            break
    return value


METRIC_CHECKS: Final = (
    Check(
        "canaries", "prometheus", "a counter that rises is found in Prometheus", metric_arrives,
        ("prometheus", "alertmanager"), _CHECK_S,
    ),
)  # fmt: skip
