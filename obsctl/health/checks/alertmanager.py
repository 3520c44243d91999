"""Alertmanager: it answers, runs what is rendered, and gets Prometheus's alerts."""

import time
from collections.abc import Iterator
from typing import Any, Final

from obsctl.engine.components.compare import first_difference
from obsctl.health.asking.context import Context
from obsctl.health.asking.probe import ProbeError
from obsctl.health.asking.times import parse_time
from obsctl.health.checks.prometheus import DISCOVERS, discovers, rendered_groups
from obsctl.health.findings.report import Finding
from obsctl.health.judging.sends import Samples, sends, since_start
from obsctl.project.plain_yaml import load_plain

FILE: Final = "alertmanager/alertmanager.yml"
_OK: Final = 200
WATCHDOG: Final = "Watchdog"
_RESEND_S: Final = 75.0
"""Prometheus repeats an alert every minute (--rules.alert.resend-delay), and a little more."""


def ready(context: Context) -> Iterator[Finding]:
    """/-/ready is unconditional; /api/v2/status shows that it has a configuration."""
    claim = context.claim("readiness", "alertmanager", "answers with its status")
    answer = context.get("alertmanager", "/-/ready")
    if answer.status != _OK:
        yield claim.fail("not-ready", f"/-/ready: {answer.excerpt}", component="alertmanager")
        return
    status = _status(context)
    cluster, version = status["cluster"]["status"], status["versionInfo"]["version"]
    if cluster == "settling":
        evidence = "its cluster is settling"
        yield claim.fail("not-ready", evidence, component="alertmanager")
        return
    yield claim.ok(f"200 in {answer.seconds * 1000:.0f} ms, version {version}")


def _status(context: Context) -> Any:  # noqa: ANN401 - as the API says
    return context.get("alertmanager", "/api/v2/status").json()


def loaded_configuration(context: Context) -> Any:  # noqa: ANN401 - any YAML document
    """The alertmanager.yml that the process runs."""
    return load_plain(_status(context)["config"]["original"])


def configuration(context: Context) -> Iterator[Finding]:
    """alertmanager.yml in stack/ against the configuration that the process runs."""
    claim = context.claim("configuration", "alertmanager", "has loaded alertmanager.yml")
    loaded = loaded_configuration(context)
    rendered = context.on_disk(FILE)
    found = first_difference(rendered, loaded)
    if found:
        yield claim.fail("config-not-loaded", found, file=FILE)
        return
    yield claim.ok(f"{len(rendered.get('receivers') or ())} receivers equal")


def known(context: Context) -> Iterator[Finding]:
    """Prometheus has an Alertmanager to send to, and sending works."""
    claim = context.claim("signals", "prometheus", "sends its alerts to Alertmanager")
    active = context.data("/api/v1/alertmanagers")["activeAlertmanagers"]
    if not active:
        told = "/api/v1/alertmanagers lists none"
        early = discovers(context)
        yield claim.not_yet(DISCOVERS) if early else claim.fail("alertmanager-unknown", told)
        return
    for url in (item["url"] for item in active):
        sent = since_start(_samples(context, "sent", url))
        counted = sends(sent, _samples(context, "errors", url))
        # Once is no failure: the first alerts of a new stack are lost when Prometheus is up before
        # Alertmanager, and it sends them again a minute later.
        if not counted.last_failed or counted.failed == 1:
            continue
        if _started_at(context) > counted.last_after:
            yield claim.skip("Alertmanager was started since; Prometheus sends within a minute")
            return
        told = f"{url}: {counted.failed} sends failed in 5 minutes, the last one too"
        yield claim.fail("alertmanager-refuses", told)
        return
    yield claim.ok(", ".join(item["url"] for item in active))


def _samples(context: Context, name: str, url: str) -> Samples:
    found = context.query(f'prometheus_notifications_{name}_total{{alertmanager="{url}"}}[5m]')
    return [sample for series in found[:1] for sample in series["values"]]


def _started_at(context: Context) -> float:
    """Seconds since the epoch; 0 where it does not answer, which is told by its own check."""
    try:
        return parse_time(_status(context)["uptime"])
    except ProbeError:
        return 0.0


def watchdog(context: Context) -> Iterator[Finding]:
    """The alert that always fires has come all the way from Prometheus to Alertmanager."""
    names = {rule.get("alert") for group in rendered_groups(context) for rule in group["rules"]}
    if WATCHDOG not in names:
        return
    claim = context.claim("signals", "alertmanager", "alerts arrive from Prometheus")
    path = f"/api/v2/alerts?filter=alertname%3D%22{WATCHDOG}%22"
    if context.get("alertmanager", path).json():
        yield claim.ok(f"{WATCHDOG} fires and has arrived")
        return
    age_s = _watched_for_s(context)
    if age_s < _RESEND_S:
        # What was lost while either of them started is sent again a minute later.
        yield claim.skip(f"started {age_s:.0f} s ago; Prometheus sends again within a minute")
        return
    yield claim.fail("watchdog-silent", f"/api/v2/alerts has no `{WATCHDOG}`")


def _watched_for_s(context: Context) -> float:
    """For how long Prometheus has had the alert and Alertmanager has been up to take it."""
    rules = (rule for group in context.data("/api/v1/rules")["groups"] for rule in group["rules"])
    firing = (a for rule in rules if rule["name"] == WATCHDOG for a in rule.get("alerts") or ())
    starts = [alert["activeAt"] for alert in firing] + [_status(context)["uptime"]]
    if len(starts) == 1:
        return 0.0  # not evaluated yet
    return time.time() - max(map(parse_time, starts))
