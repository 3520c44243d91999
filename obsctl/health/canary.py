"""Canaries: a log line that is found again, and test alerts that reach their receivers."""

import json
import secrets
import socket
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any, Final

from obsctl.conventions import SEVERITIES
from obsctl.health.context import Context
from obsctl.health.delivery import (
    CANARY_LABEL,
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
from obsctl.health.probe import Request
from obsctl.health.report import Finding
from obsctl.health.run import Check

_LOG_S: Final = 30.0
_ALERTS_S: Final = 60.0
_CONNECT_S: Final = 3.0
_STREAMS: Final = "/logs-*-*"
_SUMMARY: Final = "obsctl check --deep: a test of this receiver, nothing is wrong"


def log_arrives(context: Context) -> Iterator[Finding]:
    """A marked line into Logstash's TCP input is found in Elasticsearch, and deleted."""
    logging = context.stack.logging
    port = (
        next((entry.port for entry in logging.inputs if entry.kind == "tcp"), None)
        if logging
        else None
    )
    claim = context.claim("canaries", "logs", "a line sent to Logstash is found in Elasticsearch")
    if port is None:
        yield claim.skip("no TCP input under `logs:`")
        return
    mark = secrets.token_hex(12)
    query = {"query": {"match": {"message": mark}}}
    place = context.published("logstash", port)
    started = time.monotonic()
    try:
        _send_line(place, mark)
    except OSError as error:
        evidence = f"{place[0]}:{place[1]}: {error.strerror or error}"
        yield claim.fail("canary-log-refused", evidence, port=port)
        return
    index = _found_in(context, query)
    if index is None:
        waited_s = time.monotonic() - started
        yield claim.fail(
            "canary-log-lost", f"sent to port {port}, not found after {waited_s:.0f} s"
        )
        return
    took_s = time.monotonic() - started
    gone = context.ask("elasticsearch", _post(f"{_STREAMS}/_delete_by_query?refresh=true", query))
    kept = "" if gone.json().get("deleted") else "; it could not be deleted again"
    yield claim.ok(f"found after {took_s:.2f} s in {index}{kept}")


def _send_line(place: tuple[str, int], mark: str) -> None:
    event = {"message": f"obsctl canary {mark}", "labels": {CANARY_LABEL: mark}}
    with socket.create_connection(place, _CONNECT_S) as connection:
        # The newline ends the event: without it Logstash waits for more.
        connection.sendall(json.dumps(event).encode() + b"\n")


def _found_in(context: Context, query: Mapping[str, Any]) -> str | None:
    pause_s = 0.1
    while time.monotonic() + 1 < context.deadline:
        # A search sees what was written before the last refresh only.
        context.ask("elasticsearch", _post(f"{_STREAMS}/_refresh", None))
        answer = context.ask("elasticsearch", _post(f"{_STREAMS}/_search", query)).json()
        hits = (answer.get("hits") or {}).get("hits") or ()
        if hits:
            return str(hits[0]["_index"])
        time.sleep(pause_s)
        pause_s = min(pause_s * 1.5, 1.0)
    return None


def _post(path: str, body: object) -> Request:
    return Request(path, "POST", body)


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
    claim = context.claim("canaries", "alerts", f"{name} takes the test notifications")
    if delivery.state == "delivered":
        return claim.ok(f"delivered after {delivery.seconds:.1f} s")
    evidence = f"{delivery.state} after {delivery.seconds:.1f} s"
    return claim.fail("notifications-failing", evidence, integration=name)


DEEP_CHECKS: Final = (
    Check(
        "canaries",
        "logs",
        "a log line is found again",
        log_arrives,
        ("logstash", "elasticsearch"),
        _LOG_S,
    ),
    Check(
        "canaries",
        "alerts",
        "alerts reach their receivers",
        alerts_arrive,
        ("alertmanager",),
        _ALERTS_S,
    ),
)
