"""A test alert per severity: it takes its rendered route, and reaches its receivers."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final

from obsctl.conventions import SEVERITIES
from obsctl.health.asking.context import Context
from obsctl.health.asking.observed import log_lines
from obsctl.health.asking.run import Check
from obsctl.health.canaries.delivery import (
    GRACE_S,
    MUTE_TIME,
    Canary,
    Delivery,
    Placement,
    counts,
    deliveries,
    expected_notifications,
    expected_stops,
    longest_wait_s,
    placement,
    raised,
)
from obsctl.health.checks.notifications import LOG_LINES
from obsctl.health.findings.report import Finding
from obsctl.health.judging.sends import failure_reason

_ALERTS_S: Final = 60.0
_SUMMARY: Final = "obsctl check --deep: a test of this receiver, nothing is wrong"


def alerts_arrive(context: Context) -> Iterator[Finding]:
    """One test alert per severity, posted together: routed as rendered, and delivered."""
    canaries = {severity: Canary(labels_of_severity(context, severity)) for severity in SEVERITIES}
    before = counts(context)
    with ExitStack() as stack:
        posted = {
            severity: stack.enter_context(raised(context, canary, _SUMMARY))
            for severity, canary in canaries.items()
        }
        placed: dict[str, Placement] = {}
        for severity, canary in canaries.items():
            placed[severity] = placement(context, canary, posted[severity])
            yield routed(context, severity, canary, placed[severity])
        receivers = [
            name for place in placed.values() if not place.muted_by for name in place.receivers
        ]
        expected: Counter[str] = expected_notifications(context, receivers)
        stops = [
            stop for canary in canaries.values() for stop in expected_stops(context, canary.labels)
        ]
        patient = context.within(longest_wait_s(tuple(stops)) + GRACE_S)
        first = min(posted.values())
        yield from (_delivered(context, d) for d in deliveries(patient, expected, before, first))


def labels_of_severity(context: Context, severity: str) -> dict[str, str]:
    """The labels of a test alert, as the rules of this stack would set them."""
    # A service of its own per severity: a critical alert mutes the lesser ones of the same.
    return {
        "alertname": "ObsctlCanary",
        "severity": severity,
        "service": f"obsctl-canary-{severity}",
        "system": context.stack.project,
        "environment": context.stack.environment,
    }


def routed(context: Context, severity: str, canary: Canary, place: Placement) -> Finding:
    """Whether Alertmanager gave the alert to the receivers that stack/ gives it to."""
    claim = context.claim("canaries", "alerts", f"alerts of severity {severity} take their route")
    wanted = sorted({stop.receiver for stop in expected_stops(context, canary.labels)})
    told = f"{', '.join(place.receivers)} after {place.seconds:.2f} s"
    if wanted != list(place.receivers):
        return claim.fail("canary-misrouted", f"wanted {', '.join(wanted)}, got {told}")
    if place.muted_by == MUTE_TIME:
        return claim.skip(f"a mute time of obsctl.yaml holds it back now, from {told}")
    if place.muted_by:
        return claim.fail("canary-muted", f"muted by {place.muted_by}", by=place.muted_by)
    return claim.ok(f"to {told}")


def _delivered(context: Context, delivery: Delivery) -> Finding:
    name = delivery.integration
    claim = context.claim("canaries", "alerts", f"{name} takes the test notifications").about(name)
    if delivery.state == "delivered":
        return claim.ok(f"delivered after {delivery.seconds:.1f} s")
    took = f"after {delivery.seconds:.1f} s"
    if delivery.state == "waiting":
        return claim.fail("canary-waiting", f"nothing sent {took}", integration=name)
    reason = failure_reason(log_lines(context.stack.project, "alertmanager", LOG_LINES), name)
    told = f"failed {took}: {reason or 'its log names no reason'}"
    return claim.fail("notifications-failing", told, integration=name)


ALERT_CHECKS: Final = (
    Check(
        "canaries",
        "alerts",
        "alerts reach their receivers",
        alerts_arrive,
        ("alertmanager",),
        _ALERTS_S,
    ),
)
