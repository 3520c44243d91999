"""obsctl alert test: one synthetic alert from its labels to the answer of the receiver."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from obsctl.conventions import SEVERITIES
from obsctl.engine.components.matchers import Stop, integrations_of
from obsctl.errors import ObsctlError, Problem, UsageError
from obsctl.health.asking.context import Context
from obsctl.health.asking.observed import log_lines
from obsctl.health.asking.probe import ProbeError
from obsctl.health.canaries.delivery import (
    GRACE_S,
    Canary,
    Counts,
    Delivery,
    Placement,
    counts,
    deliveries,
    expected_notifications,
    expected_stops,
    is_listed,
    longest_wait_s,
    placement,
    raised,
)
from obsctl.health.checks.alertmanager import FILE
from obsctl.health.checks.notifications import LOG_LINES
from obsctl.health.checks.prometheus import rendered_groups
from obsctl.health.judging.sends import failure_reason

_SUMMARY: Final = "obsctl alert test: nothing is wrong"
_TEMPLATE: Final = re.compile(r"\{\{.*?\}\}")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened on the way; `ok` is False for what ends the trial badly."""

    text: str
    ok: bool = True


def labels_of(context: Context, name: str, severity: str) -> dict[str, str]:
    """The labels of a rendered alert, or of a made-up one of a severity; UsageError if neither."""
    if not name:
        return {
            "alertname": "ObsctlTest",
            "severity": severity,
            "system": context.stack.project,
            "service": "obsctl",
            "environment": context.stack.environment,
        }
    rules = _alerts(context)
    named = [rule for rule in rules if rule["alert"] == name]
    if not named:
        raise _unknown_alert(name, sorted({rule["alert"] for rule in rules}))
    wanted = [rule for rule in named if severity in ("", _severity(rule))]
    if not wanted:
        has = ", ".join(sorted({_severity(rule) for rule in named}))
        raise UsageError(Problem(f"`{name}` has no severity `{severity}`", hint=f"it has {has}"))
    return {"alertname": name, **_fixed_labels(min(wanted, key=_weight))}


def _alerts(context: Context) -> list[Mapping[str, Any]]:
    groups = rendered_groups(context)
    return [rule for group in groups for rule in group["rules"] if "alert" in rule]


def _severity(rule: Mapping[str, Any]) -> str:
    return str((rule.get("labels") or {}).get("severity", ""))


def _weight(rule: Mapping[str, Any]) -> int:
    """Worst first; severities of the user's own go last."""
    severity = _severity(rule)
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


def _others(context: Context, labels: Mapping[str, str]) -> list[str]:
    """The severities that the same alert has as well."""
    named = (rule for rule in _alerts(context) if rule["alert"] == labels["alertname"])
    return sorted({_severity(rule) for rule in named} - {labels.get("severity", ""), ""})


def _fixed_labels(rule: Mapping[str, Any]) -> dict[str, str]:
    # A label made by a template has no value without a sample.
    labels = rule.get("labels") or {}
    return {key: _TEMPLATE.sub("test", str(value)) for key, value in labels.items()}


def _unknown_alert(name: str, known: Sequence[str]) -> UsageError:
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean `{near[0]}`?" if near else "stack/runbooks/ has a page for each alert"
    return UsageError(Problem(f"there is no alert `{name}`", hint=hint))


def try_alert(context: Context, labels: Mapping[str, str]) -> Iterator[Step]:
    """Send the alert its real way; a Step for each thing that is known.

    ObsctlError when Alertmanager does not run or answer.
    """
    if not context.serves("alertmanager"):
        # A stranger's Alertmanager on its port would tell the stranger's people.
        raise ObsctlError(Problem("Alertmanager does not run", hint="`obsctl up` starts it"))
    try:
        yield from _steps(context, labels)
    except ProbeError as error:
        claim = context.claim("canaries", "alertmanager", "takes a test alert")
        finding = claim.fail(
            error.code, error.evidence, **{"component": "alertmanager", **error.values}
        )
        problem = Problem(f"{finding.cause} ({finding.evidence})", hint=finding.fix)
        raise ObsctlError(problem) from None


def _steps(context: Context, labels: Mapping[str, str]) -> Iterator[Step]:
    canary = Canary(labels)
    stops = expected_stops(context, canary.labels)
    yield Step("labels: " + ", ".join(f'{key}="{value}"' for key, value in sorted(labels.items())))
    if others := _others(context, labels):
        yield Step(f"{labels['alertname']} has other severities (--severity): {', '.join(others)}")
    for stop in stops:
        yield Step(_way(context, stop))
    wait_s = longest_wait_s(stops)
    context = context.within(wait_s + GRACE_S)
    before = counts(context)
    with raised(context, canary, _SUMMARY) as since:
        yield Step(f"sent; Alertmanager waits {wait_s:g} s for more of the same group (group_wait)")
        yield from _followed(context, placement(context, canary, since), stops, before, since)
    if is_listed(context.within(GRACE_S), canary):
        yield Step("it could not be resolved; it ends by itself within 15 minutes", ok=False)
    else:
        yield Step("resolved: Alertmanager lists it no more")


def _followed(
    context: Context, place: Placement, stops: Sequence[Stop], before: Counts, since: float
) -> Iterator[Step]:
    wanted = sorted({stop.receiver for stop in stops})
    if list(place.receivers) != wanted:
        got = ", ".join(place.receivers)
        yield Step(f"routed to {got}: the loaded configuration is another one", ok=False)
    if place.muted_by:
        yield Step(f"muted by {place.muted_by}: nobody is told", ok=False)
        return
    expected = expected_notifications(context, place.receivers)
    if not expected:
        names = ", ".join(place.receivers)
        told = f"nobody is told: no receiver stands behind `{names}` (notifications.routes)"
        yield Step(told, ok=False)
    for delivery in deliveries(context, expected, before, since):
        yield _outcome(context, delivery)


def _way(context: Context, stop: Stop) -> str:
    ways = ", ".join(integrations_of(context.on_disk(FILE), stop.receiver)) or "nobody"
    return f"route: {' > '.join(stop.path)} > receiver `{stop.receiver}` ({ways})"


def _outcome(context: Context, delivery: Delivery) -> Step:
    name, took = delivery.integration, f"{delivery.seconds:.1f} s"
    if delivery.state == "delivered":
        return Step(f"{name}: delivered after {took}")
    if delivery.state == "waiting":
        told = "its group may have been sent lately, and waits for group_interval"
        return Step(f"{name}: nothing sent after {took}: {told}", ok=False)
    reason = failure_reason(log_lines(context.stack.project, "alertmanager", LOG_LINES), name)
    told = reason or "Alertmanager's log names no reason"
    return Step(f"{name}: failed after {took}: {told}", ok=False)
