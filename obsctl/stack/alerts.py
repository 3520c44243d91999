"""The alerting and recording rules of one service, from its kind's entry."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from obsctl.catalog.model import Alert, Tier
from obsctl.catalog.text import number
from obsctl.project.findings import Findings
from obsctl.project.quantities import Duration
from obsctl.stack.error_tracking import APP_CATEGORY
from obsctl.stack.expressions import bound_pattern
from obsctl.stack.links import STACK_UID, Links, service_uid
from obsctl.stack.model import Rule
from obsctl.stack.subjects import Subject
from obsctl.stack.thresholds import Tuned, key_of, text


@dataclass(frozen=True, slots=True)
class Applied:
    """An alert of the catalogue, tuned, on one service."""

    subject: Subject
    alert: Alert
    rules: tuple[Rule, ...]


def recording_rules(subject: Subject) -> Iterator[Rule]:
    """Each under the service's label, since two services may record the same series."""
    for recording in subject.kind.recordings:
        if subject.uses(recording.expr):
            yield Rule(
                expr=subject.fill(recording.expr),
                record=subject.fill(recording.record),
                labels={"service": subject.service},
            )


@dataclass(frozen=True, slots=True)
class Applier:
    """Makes rules out of tuned alerts; what cannot fire becomes a finding."""

    tuned: Mapping[str, Tuned | None]
    links: Links
    retention: Duration
    findings: Findings

    def apply(self, subject: Subject) -> Iterator[Applied]:
        """All alerts of the subject's kind that apply to it."""
        for entry in subject.kind.alerts:
            tuned = self.tuned[key_of(entry)]
            if tuned is None or not subject.uses(entry.expr) or self._too_old(entry, tuned):
                continue
            rules = tuple(self._rules(subject, tuned))
            if rules:
                yield Applied(subject, tuned.alert, rules)

    def _too_old(self, alert: Alert, tuned: Tuned) -> bool:
        """True for an alert that looks back further than samples are kept."""
        if alert.history is None or Duration(alert.history).seconds <= self.retention.seconds:
            return False
        if tuned.tuned:
            self.findings.add(
                ("alerts", alert.name),
                f"`{alert.name}` compares with {alert.history} ago, but samples are kept for "
                f"{self.retention}",
                f"set `stack.prometheus.retention` to at least `{alert.history}`",
                key=True,
            )
        return True

    def _rules(self, subject: Subject, tuned: Tuned) -> Iterator[Rule]:
        alert = tuned.alert
        for tier in alert.tiers:
            form = self._form(subject, tuned, tier)
            if form is None:
                continue
            expr, description, values = form
            yield Rule(
                expr=subject.fill(expr, values),
                alert=alert.name,
                for_=tier.for_,
                keep_firing_for=alert.keep_firing_for,
                labels={"severity": tier.severity, **subject.labels, **alert.labels},
                annotations={
                    "summary": subject.fill(alert.summary, values),
                    "description": subject.fill(description, values),
                    "runbook_url": self.links.runbook(alert.name),
                    "dashboard_url": self.links.dashboard(dashboard_of(subject)),
                    **self._issues(subject),
                },
            )

    def _issues(self, subject: Subject) -> dict[str, str]:
        """Where the errors behind an application's alert are, with their stack traces."""
        reports = subject.kind.category == APP_CATEGORY and self.links.issues
        return {"issues_url": reports} if reports else {}

    def _form(
        self, subject: Subject, tuned: Tuned, tier: Tier
    ) -> tuple[str, str, dict[str, str]] | None:
        """Expression, description and values of a tier; None where it could never fire."""
        alert = tuned.alert
        if tier.threshold is None:
            return alert.expr, alert.description, {}
        values = {
            "threshold": number(tier.threshold),
            "threshold_text": text(tier.threshold, alert.unit),
        }
        if alert.buckets is None or alert.expr_at_bound is None:
            return alert.expr, alert.description, values
        bounds = subject.bounds(alert.buckets)
        if tier.threshold in bounds:
            values["bound"] = bound_pattern(tier.threshold)
            return alert.expr_at_bound, alert.description_at_bound or alert.description, values
        if bounds and tier.threshold < bounds[-1]:
            return alert.expr, alert.description, values
        self._unreachable(subject, tuned, tier, bounds)
        return None

    def _unreachable(
        self, subject: Subject, tuned: Tuned, tier: Tier, bounds: tuple[float, ...]
    ) -> None:
        alert, service = tuned.alert, subject.service
        last = text(bounds[-1], "seconds") if bounds else "0s"
        wanted = text(tier.threshold or 0, "seconds")
        if tier.severity in tuned.tuned:
            path: tuple[str, ...] = ("alerts", alert.name, tier.severity)
        elif alert.buckets in subject.settings and not subject.is_stack:
            path = ("services", service, "settings", alert.buckets or "")
        else:
            path = ("services", service)
        self.findings.add(
            path,
            f"`{alert.name}` ({tier.severity}) of `{service}` could never fire: no percentile of "
            f"a histogram is above its last bound, {last}, and {wanted} is beyond it",
            f"use a threshold up to {last}, or add a bound of {wanted} in the application and in "
            f"`services.{service}.settings.{alert.buckets}`",
        )


def dashboard_of(subject: Subject) -> str:
    """The dashboard that shows a subject: its own, or that of the stack."""
    own = not subject.is_stack or subject.kind.category == "probe"
    return service_uid(subject.service) if own else STACK_UID
