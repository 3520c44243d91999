"""Burn-rate alerts of the service level objectives: several windows, several rates.

The rates are those of the SRE workbook for 30 days: 2 % of the budget in an hour and 5 % in six
page someone, 10 % in three days opens a ticket. A short window of a twelfth ends each alert soon
after the errors do. (A fourth pair, 3 x over a day, is implied by 1 x over three days.)
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from obsctl.catalog.model import Alert, Objective, Runbook, Step, Tier
from obsctl.catalog.text import number
from obsctl.project.findings import Findings
from obsctl.project.schema import Objective as Wanted
from obsctl.project.schema import Project
from obsctl.stack.expressions import bound_pattern, labels_text
from obsctl.stack.links import SLO_UID, Links
from obsctl.stack.model import Rule
from obsctl.stack.subjects import Subject
from obsctl.stack.thresholds import text


@dataclass(frozen=True, slots=True)
class Burn:
    """One pair of windows: fires when both burn faster than `factor` times the budget's pace."""

    severity: str
    factor: float
    long: str
    short: str


BURNS: Final = (
    Burn("critical", 14.4, "1h", "5m"),
    Burn("critical", 6, "6h", "30m"),
    Burn("warning", 1, "3d", "6h"),
)
WINDOWS: Final = tuple(dict.fromkeys(w for burn in BURNS for w in (burn.short, burn.long)))
_NAMES: Final = {"availability": "ErrorBudgetBurn", "latency": "LatencyBudgetBurn"}


@dataclass(frozen=True, slots=True)
class Promise:
    """One objective of one service, ready for rules, tests, runbook and panels."""

    subject: Subject
    name: str  # availability | latency
    objective: Objective
    budget: float  # share of requests that may be bad
    under_s: float | None = None

    @property
    def alert(self) -> str:
        return _NAMES[self.name]

    @property
    def goal(self) -> str:
        share = text(round(1 - self.budget, 12), "ratio")
        if self.under_s is None:
            return f"{share} of the requests succeed"
        return f"{share} of the requests take less than {text(self.under_s, 'seconds')}"

    def record(self, window: str) -> str:
        """Name of the recorded share of bad requests over a window."""
        return self.subject.fill(self.objective.record, {"window": window})


def promises(
    project: Project, subjects: Mapping[str, Subject], findings: Findings
) -> Iterator[Promise]:
    """Every objective that can be measured; the others become findings."""
    for service, wanted in project.slo.items():
        # A service that does not exist is a finding of the project file's own references.
        if service in subjects:
            yield from _of_service(subjects[service], wanted, ("slo", service), findings)


def _of_service(
    subject: Subject, wanted: Wanted, path: tuple[str, ...], findings: Findings
) -> Iterator[Promise]:
    shares = {"availability": wanted.availability}
    shares["latency"] = wanted.latency.ratio if wanted.latency else None
    for name, share in shares.items():
        if share is None:
            continue
        objective = subject.kind.objectives.get(name)
        if objective is None or not subject.uses(objective.expr):
            message = f"the kind `{subject.kind.name}` has no objective `{name}`"
            hint = "objectives are for kinds that count requests, such as `http` and `express`"
            findings.add((*path, name), message, hint)
            continue
        under = wanted.latency.under.seconds if name == "latency" and wanted.latency else None
        promise = Promise(subject, name, objective, round(1 - share.ratio, 12), under)
        if _is_sound(promise, path, findings):
            yield promise


def _is_sound(promise: Promise, path: tuple[str, ...], findings: Findings) -> bool:
    budget, name = promise.budget, promise.name
    ratio = (*path, name) if name == "availability" else (*path, name, "ratio")
    fastest = max(burn.factor for burn in BURNS)
    if fastest * budget > 1:
        least = text(round(1 - 1 / fastest, 3), "ratio")
        findings.add(
            ratio,
            f"the alert on `{name}` could never fire: {number(fastest)} times a budget of "
            f"{text(budget, 'ratio')} is more than all requests",
            f"choose an objective above {least}",
        )
        return False
    bounds = promise.subject.bounds(promise.objective.buckets or "")
    if promise.under_s is not None and promise.under_s not in bounds:
        shown = ", ".join(text(bound, "seconds") for bound in bounds)
        findings.add(
            (*path, "latency", "under"),
            f"`{text(promise.under_s, 'seconds')}` is no bound of the latency histogram of "
            f"`{promise.subject.service}`, so nobody counts the requests below it",
            f"bounds: {shown}",
        )
        return False
    return True


def recordings(promise: Promise) -> Iterator[Rule]:
    """The share of bad requests over each window; 5m of availability is there already."""
    subject = promise.subject
    present = {subject.fill(r.record) for r in subject.kind.recordings}
    for window in WINDOWS:
        values = bound_values(promise) | {"window": window}
        record = promise.record(window)
        if record not in present:
            expr = subject.fill(promise.objective.expr, values)
            yield Rule(expr=expr, record=record, labels={"service": subject.service})


def alert_rules(promise: Promise, links: Links) -> Iterator[Rule]:
    """One rule for each severity."""
    subject = promise.subject
    guard = subject.fill(promise.objective.guard)
    for severity in ("warning", "critical"):
        pairs = [_pair(promise, burn) for burn in BURNS if burn.severity == severity]
        either = pairs[0] if len(pairs) == 1 else "(\n" + "\n  or\n".join(pairs) + "\n)"
        yield Rule(
            expr=f"{either}\n  and on (job)\n{guard}",
            alert=promise.alert,
            labels={"severity": severity, **subject.labels, "slo": promise.name},
            annotations={
                "summary": "The error budget burns too fast.",
                "description": f"{{{{ $value | humanizePercentage }}}} of the requests of "
                f"{{{{ $labels.job }}}} are bad; the objective is that {promise.goal}.",
                "runbook_url": links.runbook(promise.alert),
                "dashboard_url": links.dashboard(SLO_UID),
            },
        )


def _pair(promise: Promise, burn: Burn) -> str:
    limit = number(round(burn.factor * promise.budget, 12))
    selector = labels_text({"job": promise.subject.service})
    long, short = promise.record(burn.long), promise.record(burn.short)
    return f"{long}{selector} > {limit} and {short}{selector} > {limit}"


def bound_values(promise: Promise) -> dict[str, str]:
    if promise.under_s is None:
        return {}
    return {
        "bound": bound_pattern(promise.under_s),
        "bound_text": number(promise.under_s),
    }


def runbook(promise: Promise) -> Runbook:
    """The same text for every service: what burns, how fast, and what to do."""
    selector = "{[[ selector ]]}"
    limits = ", ".join(
        f"{burn.long} and {burn.short} above "
        f"{text(round(burn.factor * promise.budget, 9), 'ratio')} ({burn.severity})"
        for burn in BURNS
    )
    return Runbook(
        meaning=f"The objective of `[[ service ]]` is that {promise.goal} in 30 days. Bad requests "
        f"use up what that allows faster than it lasts. Looked at over two windows each: {limits}.",
        impact="At the critical pace the budget of the whole month is gone within five days or "
        "less; at the warning pace it will just not last.",
        diagnosis=(
            Step("How much of the budget has the last hour used, against the pace that lasts (1)?",
                 query=f"{promise.record('1h')}{selector} / {number(promise.budget)}"),
            Step("Did it begin just now, or does it go on for long?",
                 query=f"{promise.record('5m')}{selector}"),
            Step("Which other alerts of the service fire? They say what is broken.",
                 query='ALERTS{alertstate="firing",service="[[ service ]]"}'),
        ),
        mitigation=(
            "Follow the runbook of HighErrorRate or HighLatency, whichever fires too.",
            "With the warning only, plan the repair before further releases.",
            "If the objective was never met, it promises too much: change `slo:` and say so.",
        ),
    )  # fmt: skip


def drawn(promise: Promise, scale: float) -> Alert:
    """The rates as tiers of an alert, for panels: the ticket's and the slow page's."""
    rates = {burn.severity: burn.factor for burn in BURNS}  # the last of each, the lowest
    tiers = (
        Tier("warning", round(rates["warning"] * scale, 12), None),
        Tier("critical", round(rates["critical"] * scale, 12), None),
    )
    return Alert(promise.alert, "", tiers, "", "", runbook(promise), ())
