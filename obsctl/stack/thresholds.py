"""The tiers of an alert after the project's tuning, and how their thresholds are written."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from obsctl.catalog.model import Alert, Tier
from obsctl.catalog.text import number
from obsctl.project.findings import Findings
from obsctl.project.quantities import Duration, Share, Size
from obsctl.project.schema import AlertTuning

# From mild to severe.
_LADDER: Final = ("info", "warning", "critical")
_EXAMPLES: Final = {
    "ratio": "a share such as `5%`",
    "seconds": "a duration such as `2s`",
    "bytes": "a size such as `1GiB`",
    "number": "a number",
}
_UNITS_S: Final = (("d", 86400), ("h", 3600), ("m", 60))
_UNITS_BYTES: Final = (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10))


@dataclass(frozen=True, slots=True)
class Tuned:
    """An alert as the project wants it; `tuned` names the severities that the user set."""

    alert: Alert
    tuned: frozenset[str] = frozenset()


def tune(
    alerts: Iterable[Alert], tunings: Mapping[str, AlertTuning], findings: Findings
) -> dict[str, Tuned | None]:
    """Alert name -> its tuned form, None where it is disabled; unknown names are findings.

    Kinds may share an alert's name; then the tuning holds for all of them, so the key is the
    name and the alert's identity.
    """
    known: dict[str, list[Alert]] = {}
    for alert in alerts:
        known.setdefault(alert.name, []).append(alert)
    _unknown(tunings, known, findings)
    tuned: dict[str, Tuned | None] = {}
    for name, variants in known.items():
        for alert in variants:
            tuned[key_of(alert)] = _tuned(alert, tunings.get(name), findings)
    return tuned


def key_of(alert: Alert) -> str:
    """Identifies an alert among those of the same name in other kinds."""
    return f"{alert.name}\n{alert.expr}"


def _unknown(
    tunings: Mapping[str, AlertTuning], known: Mapping[str, object], findings: Findings
) -> None:
    for name in tunings:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1, 0.5)
            hint = f"did you mean `{near[0]}`?" if near else f"alerts: {', '.join(sorted(known))}"
            findings.add(("alerts", name), f"this project has no alert `{name}`", hint, key=True)


def _tuned(alert: Alert, tuning: AlertTuning | None, findings: Findings) -> Tuned | None:
    if tuning is None:
        return Tuned(alert)
    if not tuning.enabled:
        return None
    own = {severity: getattr(tuning, severity) for severity in _LADDER}
    thresholds = dict(_thresholds(alert, own, findings))
    tiers = [_with(tier, thresholds.pop(tier.severity, None), tuning.for_) for tier in alert.tiers]
    if thresholds:
        tiers += _added(alert, thresholds, tuning.for_)
    changed = frozenset(severity for severity, value in own.items() if value is not None)
    tiers = _renamed(alert, tiers, tuning, findings)
    result = replace(
        alert,
        tiers=tuple(sorted(tiers, key=_rank)),
        keep_firing_for=str(tuning.keep_firing_for or alert.keep_firing_for or "") or None,
    )
    _check_order(result, changed, findings)
    return Tuned(result, changed)


def _with(tier: Tier, threshold: float | None, for_: str | None) -> Tier:
    return replace(
        tier,
        threshold=tier.threshold if threshold is None else threshold,
        for_=str(for_) if for_ else tier.for_,
    )


def _added(alert: Alert, thresholds: Mapping[str, float], for_: str | None) -> list[Tier]:
    """A tier that the catalogue has not waits as long as its first one."""
    wait = str(for_) if for_ else alert.tiers[0].for_
    return [Tier(severity, threshold, wait) for severity, threshold in thresholds.items()]


def _renamed(
    alert: Alert, tiers: list[Tier], tuning: AlertTuning, findings: Findings
) -> list[Tier]:
    if tuning.severity is None:
        return tiers
    path = ("alerts", alert.name, "severity")
    if len(tiers) != 1:
        findings.add(
            path,
            f"`{alert.name}` has several tiers, so its severity cannot be set",
            "set the threshold of each: " + ", ".join(f"`{tier.severity}`" for tier in tiers),
        )
        return tiers
    if tiers[0].severity == "none":
        findings.add(path, f"`{alert.name}` has no severity by design")
        return tiers
    return [replace(tiers[0], severity=tuning.severity)]


def _thresholds(
    alert: Alert, own: Mapping[str, object], findings: Findings
) -> Iterator[tuple[str, float]]:
    for severity, value in own.items():
        if value is None:
            continue
        path = ("alerts", alert.name, severity)
        if alert.tiers[0].threshold is None:
            hint = "`for`, `severity` and `enabled` can be set"
            findings.add(path, f"`{alert.name}` has no threshold", hint, key=True)
            continue
        amount = _amount(value, alert.unit)
        if amount is None:
            findings.add(path, f"the threshold of `{alert.name}` is {_EXAMPLES[alert.unit]}")
        elif problem := _never(alert, amount):
            findings.add(path, problem)
        else:
            yield severity, amount


def _amount(value: object, unit: str) -> float | None:
    match unit, value:
        case "ratio", Share():
            return value.ratio
        case "seconds", Duration():
            return value.seconds
        case "bytes", Size():
            return float(value.bytes)
        case "number", bool():
            return None
        case "number", int() | float():
            return float(value)
    return None


def _never(alert: Alert, amount: float) -> str | None:
    """Why no sample can ever be beyond the threshold."""
    if alert.unit == "ratio" and not alert.below and amount >= 1:
        return f"`{alert.name}` could never fire: no share is above 100%"
    if alert.below and amount <= 0:
        return f"`{alert.name}` could never fire: nothing is below {text(amount, alert.unit)}"
    if amount < 0:
        return f"a threshold of `{alert.name}` below 0 would always fire"
    return None


def _check_order(alert: Alert, changed: frozenset[str], findings: Findings) -> None:
    ladder = [tier for tier in alert.tiers if tier.threshold is not None]
    for mild, severe in pairwise(ladder):
        low, high = mild.threshold or 0, severe.threshold or 0
        if (low > high) if alert.below else (low < high):
            continue
        culprit = severe.severity if severe.severity in changed else mild.severity
        side = "below" if alert.below else "above"
        findings.add(
            ("alerts", alert.name, culprit),
            f"`{alert.name}`: the {severe.severity} threshold, {text(high, alert.unit)}, must be "
            f"{side} the {mild.severity} one, {text(low, alert.unit)}",
        )


def _rank(tier: Tier) -> int:
    return _LADDER.index(tier.severity) if tier.severity in _LADDER else -1


def text(threshold: float, unit: str) -> str:
    """A threshold as a person writes it: `5%`, `2s`, `14d`, `512MiB`."""
    if unit == "ratio":
        return f"{number(round(threshold * 100, 9))}%"
    if unit == "seconds":
        return _in_units(threshold, _UNITS_S, "s")
    if unit == "bytes":
        return _in_units(threshold, _UNITS_BYTES, "B")
    return number(threshold)


def _in_units(amount: float, units: tuple[tuple[str, int], ...], smallest: str) -> str:
    for unit, size in units:
        if amount >= size and amount % size == 0:
            return f"{number(amount / size)}{unit}"
    return f"{number(amount)}{smallest}"


def all_text(alert: Alert) -> str:
    """`5% (warning) and 10% (critical)`."""
    parts = [
        f"{text(tier.threshold, alert.unit)} ({tier.severity})"
        for tier in alert.tiers
        if tier.threshold is not None
    ]
    return " and ".join(parts)
