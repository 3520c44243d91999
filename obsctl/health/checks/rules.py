"""Every rule evaluates, and every alert can fire: ok, pending, firing, dead, always firing."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from obsctl.health.asking.context import Context
from obsctl.health.asking.times import parse_time
from obsctl.health.checks.alertmanager import WATCHDOG
from obsctl.health.checks.targets import EARLY, down_jobs, is_early
from obsctl.health.findings.claim import Claim
from obsctl.health.findings.report import Finding
from obsctl.health.judging.applicable import excuse
from obsctl.health.judging.liveness import Liveness

_EARLY_S: Final = 600
_LONG_S: Final = 3600
_MAX_SHOWN: Final = 3


def rules_work(context: Context) -> Iterator[Finding]:
    """One finding per alert, and one for all recording rules."""
    rules = [rule for group in context.data("/api/v1/rules")["groups"] for rule in group["rules"]]
    alerts = [rule for rule in rules if rule["type"] == "alerting"]
    recordings = [rule for rule in rules if rule["type"] == "recording"]
    yield from _recordings(context, recordings)
    quiet = [rule for rule in alerts if rule["state"] == "inactive" and rule["health"] == "ok"]
    liveness = live(recordings)
    liveness.learn([rule["query"] for rule in quiet], context.query)
    first_data = _first_data(context)
    for rule in alerts:
        claim = context.claim("signals", rule["name"], f"can fire{_for_whom(rule)}")
        claim = claim.about((rule.get("labels") or {}).get("service") or "prometheus")
        if rule["health"] != "ok":
            yield _not_evaluated(claim, rule)
        elif rule["state"] == "inactive":
            yield _can_fire(claim, context, liveness, liveness.why_dead(rule["query"]))
        else:
            yield _active(claim, rule, first_data)


def live(recordings: Sequence[Mapping[str, Any]]) -> Liveness:
    """A Liveness that knows the recording rules of the live Prometheus."""
    recorded: dict[str, list[str]] = {}
    for rule in recordings:
        recorded.setdefault(rule["name"], []).append(rule["query"])
    return Liveness(recorded)


def _for_whom(rule: Mapping[str, Any]) -> str:
    labels = rule.get("labels") or {}
    told = [labels[key] for key in ("severity", "service") if labels.get(key)]
    return f" ({', '.join(told)})" if told else ""


def _recordings(context: Context, rules: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    broken = [rule for rule in rules if rule["health"] == "err"]
    for rule in broken:
        claim = context.claim("signals", rule["name"], "is recorded")
        yield claim.fail("rule-error", str(rule.get("lastError")), rule=rule["name"])
    if len(rules) > len(broken):
        claim = context.claim("signals", "prometheus", "recording rules evaluate")
        yield claim.ok(f"{len(rules) - len(broken)} rules")


def _not_evaluated(claim: Claim, rule: Mapping[str, Any]) -> Finding:
    if rule["health"] == "err":
        return claim.fail("rule-error", str(rule.get("lastError")), rule=rule["name"])
    return claim.not_yet("not evaluated yet")


def _can_fire(
    claim: Claim, context: Context, liveness: Liveness, reasons: Sequence[str]
) -> Finding:
    if not reasons:
        return claim.ok("its metrics are there")
    jobs = {liveness.origins[reason].value_of("job") for reason in reasons}
    if jobs <= down_jobs(context):
        # The target's own finding tells the cause; this is its effect.
        return claim.skip(f"no target of {', '.join(sorted(filter(None, jobs)))} is up")
    if words := excuse(context, liveness, reasons):
        return claim.not_applicable(words)
    if is_early(context):
        return claim.not_yet(EARLY)
    return claim.warn("rule-dead", "; ".join(reasons), rule=claim.subject)


def _active(claim: Claim, rule: Mapping[str, Any], first_data: float | None) -> Finding:
    if rule["name"] == WATCHDOG:
        return claim.ok("fires, as it always should")
    if rule["state"] == "pending":
        return claim.ok(f"pending: {_instances(rule)}")
    firing = [alert for alert in rule["alerts"] if alert["state"] == "firing"]
    since = min((parse_time(alert["activeAt"]) for alert in firing), default=time.time())
    code = "alert-always-firing" if _always(since, first_data) else "alert-firing"
    severity = (rule.get("labels") or {}).get("severity") or "no severity"
    return claim.warn(code, _instances(rule), rule=rule["name"], severity=severity)


def _always(since: float, first_data: float | None) -> bool:
    """Firing ever since there is data, and for long enough to judge."""
    if first_data is None or time.time() - first_data < _LONG_S:
        return False
    return since - first_data < _EARLY_S


def _first_data(context: Context) -> float | None:
    found = context.query("min(prometheus_tsdb_lowest_timestamp_seconds)")
    return float(found[0]["value"][1]) if found else None


def _instances(rule: Mapping[str, Any]) -> str:
    alerts = rule["alerts"]
    shown = [
        f"{alert['labels'].get('instance') or alert['labels'].get('service') or 'all'} "
        f"since {alert['activeAt'][:19]}Z, value {float(alert['value']):.4g}"
        for alert in alerts[:_MAX_SHOWN]
    ]
    more = [f"and {len(alerts) - _MAX_SHOWN} more"] if len(alerts) > _MAX_SHOWN else []
    return "; ".join(shown + more)
