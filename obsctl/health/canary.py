"""Canaries: test alerts that reach their receivers, and all that `--deep` adds."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final

from obsctl.conventions import SEVERITIES
from obsctl.health.context import Context
from obsctl.health.delivery import (
    GRACE_S,
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
from obsctl.health.log_canary import LOG_CHECKS
from obsctl.health.report import Finding
from obsctl.health.run import Check

_ALERTS_S: Final = 60.0
_SUMMARY: Final = "obsctl check --deep: a test of this receiver, nothing is wrong"


def alerts_arrive(context: Context) -> Iterator[Finding]:
    """One test alert per severity, posted together: routed as rendered, and delivered."""
    canaries = {severity: Canary(_labels(context, severity)) for severity in SEVERITIES}
    before = counts(context)
    with ExitStack() as stack:
        posted = {
            severity: stack.enter_context(raised(context, canary, _SUMMARY))
            for severity, canary in canaries.items()
        }
        placed: dict[str, Placement] = {}
        for severity, canary in canaries.items():
            placed[severity] = placement(context, canary, posted[severity])
            yield _routed(context, severity, canary, placed[severity])
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


def _labels(context: Context, severity: str) -> dict[str, str]:
    # A service of its own per severity: a critical alert mutes the lesser ones of the same.
    return {
        "alertname": "ObsctlCanary",
        "severity": severity,
        "service": f"obsctl-canary-{severity}",
        "system": context.stack.project,
        "environment": context.stack.environment,
    }


def _routed(context: Context, severity: str, canary: Canary, place: Placement) -> Finding:
    claim = context.claim("canaries", "alerts", f"a {severity} alert takes its rendered route")
    wanted = sorted({stop.receiver for stop in expected_stops(context, canary.labels)})
    told = f"{', '.join(place.receivers)} after {place.seconds:.2f} s"
    if place.muted_by:
        return claim.fail("canary-muted", f"muted by {place.muted_by}", by=place.muted_by)
    if wanted != list(place.receivers):
        return claim.fail("canary-misrouted", f"wanted {', '.join(wanted)}, got {told}")
    return claim.ok(f"to {told}")


def _delivered(context: Context, delivery: Delivery) -> Finding:
    name = delivery.integration
    claim = context.claim("canaries", "alerts", f"{name} takes the test notifications").about(name)
    if delivery.state == "delivered":
        return claim.ok(f"delivered after {delivery.seconds:.1f} s")
    evidence = f"{delivery.state} after {delivery.seconds:.1f} s"
    return claim.fail("notifications-failing", evidence, integration=name)


DEEP_CHECKS: Final = (
    *LOG_CHECKS,
    Check(
        "canaries",
        "alerts",
        "alerts reach their receivers",
        alerts_arrive,
        ("alertmanager",),
        _ALERTS_S,
    ),
)
