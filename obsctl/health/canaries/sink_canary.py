"""Test alerts that no receiver is told of: routed in silence, and delivered to this machine."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final

from obsctl.conventions import CANARY_LABEL, SEVERITIES, SINK_FILE, SINK_LABEL, SINK_RECEIVER
from obsctl.engine.components.matchers import route_of
from obsctl.errors import EngineError
from obsctl.health.asking.context import Context
from obsctl.health.asking.observed import host_addresses, log_lines
from obsctl.health.asking.run import Check
from obsctl.health.canaries.alert_canary import labels_of_severity, routed
from obsctl.health.canaries.delivery import Canary, placement, raised, silenced
from obsctl.health.canaries.sink import Sink, listening
from obsctl.health.checks.alertmanager import loaded_configuration
from obsctl.health.checks.notifications import LOG_LINES
from obsctl.health.findings.report import Finding
from obsctl.health.judging.sends import failure_reason

_CHECK_S: Final = 30.0
_ARRIVES_S: Final = 10.0
_SUMMARY: Final = "obsctl check --deep --receiver-sink: nothing is wrong"
_INTEGRATION: Final = "webhook"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A test alert that is on its way to the sink; `posted` is on the monotonic clock."""

    canary: Canary
    severity: str
    posted: float


def alerts_are_routed(context: Context) -> Iterator[Finding]:
    """Alertmanager says where each would go; a silence of our own keeps it from going there."""
    canaries = {name: Canary(labels_of_severity(context, name)) for name in SEVERITIES}
    with silenced(context, canaries.values()) as silence, ExitStack() as stack:
        for severity, canary in canaries.items():
            since = stack.enter_context(raised(context, canary, _SUMMARY))
            place = placement(context, canary, since, silence)
            yield routed(context, severity, canary, place)


def alerts_reach_this_machine(context: Context) -> Iterator[Finding]:
    """Alertmanager's notifications leave it: a receiver on this machine gets them."""
    claim = context.claim("canaries", "alerts", "Alertmanager notifies this machine")
    if "alertmanager" in context.targets:
        yield claim.skip("Alertmanager runs elsewhere: it cannot be told where to send")
        return
    if stops := _other_stops(context):
        # It would tell real receivers.
        yield claim.fail("canary-misrouted", f"the sink's alerts would go to {stops}")
        return
    try:
        addresses = host_addresses()
    except EngineError as error:
        problem = error.problems[0]
        yield claim.fail("engine-unreachable", problem.message, hint=problem.hint or "start it")
        return
    file = context.stack_directory / "alertmanager" / SINK_FILE
    try:
        with listening(addresses, file) as sink:
            yield from _arrivals(context, sink)
    except OSError as error:
        yield claim.fail("canary-sink-closed", f"{file}: {error.strerror or error}")


def _other_stops(context: Context) -> str:
    """The receivers beside the sink that the loaded routes would give our alerts to."""
    config: Any = loaded_configuration(context)
    stops = {
        stop.receiver
        for severity in SEVERITIES
        for stop in route_of(config, _sink_labels(context, severity) | {CANARY_LABEL: "x"})
    }
    return ", ".join(sorted(stops - {SINK_RECEIVER}))


def _sink_labels(context: Context, severity: str) -> dict[str, str]:
    return labels_of_severity(context, severity) | {SINK_LABEL: "yes"}


def _arrivals(context: Context, sink: Sink) -> Iterator[Finding]:
    with ExitStack() as stack:
        sent = []
        for severity in SEVERITIES:
            canary = Canary(_sink_labels(context, severity))
            posted = time.monotonic()
            stack.enter_context(raised(context, canary, _SUMMARY))
            sent.append(Waiting(canary, severity, posted))
        deadline = time.monotonic() + _ARRIVES_S
        for waiting in sent:
            yield _arrival(context, sink, waiting, deadline)


def _arrival(context: Context, sink: Sink, waiting: Waiting, deadline: float) -> Finding:
    told = f"alerts of severity {waiting.severity} leave Alertmanager and arrive here"
    claim = context.claim("canaries", "alerts", told)
    arrival = sink.arrival(waiting.canary.mark, deadline)
    if arrival is None:
        lines = log_lines(context.stack.project, "alertmanager", LOG_LINES)
        reason = failure_reason(lines, _INTEGRATION) or "Alertmanager's log names no reason"
        waited_s = time.monotonic() - waiting.posted
        return claim.fail("canary-sink-silent", f"not here after {waited_s:.0f} s: {reason}")
    return claim.ok(f"arrived after {arrival - waiting.posted:.2f} s")


SINK_CHECKS: Final = (
    Check(
        "canaries", "alerts", "alerts take their routes", alerts_are_routed, ("alertmanager",),
        _CHECK_S,
    ),
    Check(
        "canaries", "alerts", "alerts reach this machine", alerts_reach_this_machine,
        ("alertmanager",), _CHECK_S,
    ),
)  # fmt: skip
