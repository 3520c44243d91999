"""The project's own rules: the same checks and the same labels as the built-in ones."""

from collections.abc import Iterator
from typing import Final

from obsctl.conventions import SEVERITIES
from obsctl.project.findings import Findings
from obsctl.project.schema import Project, UserRule
from obsctl.stack.expressions import parse_error, selections
from obsctl.stack.known_metrics import KnownMetrics
from obsctl.stack.links import Links
from obsctl.stack.model import Rule
from obsctl.stack.templates import template_problems

_RESERVED: Final = frozenset({"alertname", "alertstate", "le", "quantile"})
_MEASURES: Final = ("$value", ".Value")

Path = tuple[str | int, ...]


def user_rules(
    project: Project, built_in: frozenset[str], known: KnownMetrics | None, findings: Findings
) -> tuple[tuple[Rule, ...], tuple[Rule, ...]]:
    """Recording and alerting rules; `built_in` holds the names of alerts and records taken.

    `known` is None where nobody can say which metrics there are.
    """
    links = Links(project)
    seen: dict[tuple[str, tuple[tuple[str, str], ...]], int] = {}
    recordings, alerts = [], []
    for index, rule in enumerate(project.rules):
        path: Path = ("rules", index)
        _check(rule, path, built_in, findings)
        _check_expression(rule, (*path, "expr"), known, findings)
        identity = (rule.alert or rule.record or "", tuple(sorted(rule.labels.items())))
        if identity in seen:
            line = findings.document.locate(("rules", seen[identity])).line
            message = f"`{identity[0]}` is defined twice with the same labels, first at line {line}"
            findings.add((*path, "alert" if rule.alert else "record"), message)
        seen.setdefault(identity, index)
        if rule.record:
            recordings.append(Rule(rule.expr.strip(), record=rule.record, labels=rule.labels))
        else:
            alerts.append(_alert(rule, project, links))
    return tuple(recordings), tuple(alerts)


def _alert(rule: UserRule, project: Project, links: Links) -> Rule:
    name = rule.alert or ""
    service = rule.labels.get("service", "") or _service_of(rule.expr, project)
    watched = project.services.get(service)
    labels = {
        "severity": "warning",
        "system": (watched.system if watched else None) or project.project,
        "service": service,
        "environment": project.environment,
    }
    annotations = {
        "summary": f"{name} fires.",
        "dashboard_url": links.dashboard("obsctl-home"),
    }
    return Rule(
        rule.expr.strip(),
        alert=name,
        for_=rule.for_,
        keep_firing_for=rule.keep_firing_for,
        labels=labels | rule.labels,
        annotations=annotations | rule.annotations,
    )


def _service_of(expr: str, project: Project) -> str:
    """The job that the expression selects, where it is one; else the project as a whole."""
    if parse_error(expr):
        return project.project
    jobs = {matchers.get("job", "") for _, matchers in selections(expr)}
    only = jobs.pop() if len(jobs) == 1 else ""
    return only or project.project


def _check(rule: UserRule, path: Path, built_in: frozenset[str], findings: Findings) -> None:
    key = "alert" if rule.alert else "record"
    name = rule.alert or rule.record
    if name in built_in:
        hint = (
            f"tune the built-in one under `alerts.{name}`" if rule.alert else "choose another name"
        )
        findings.add((*path, key), f"obsctl has a rule `{name}` already", hint)
    severity = rule.labels.get("severity")
    if rule.alert and severity is not None and severity not in SEVERITIES:
        known = ", ".join(f"`{each}`" for each in SEVERITIES)
        findings.add(
            (*path, "labels", "severity"),
            f"`{severity}` is no severity, so no route would know it",
            f"severities: {known}",
        )
    for label, problem in _label_problems(rule):
        findings.add((*path, "labels", label), problem)
    if rule.alert:
        _check_templates(rule, path, findings)


def _check_expression(
    rule: UserRule, path: Path, known: KnownMetrics | None, findings: Findings
) -> None:
    if error := parse_error(rule.expr):
        findings.add(path, f"this is no PromQL: {error}")
    elif known is not None:
        for message, hint in known.problems(rule.expr):
            findings.add(path, message, hint)


def _check_templates(rule: UserRule, path: Path, findings: Findings) -> None:
    for part, texts in (("labels", rule.labels), ("annotations", rule.annotations)):
        for label, text in texts.items():
            for message, hint in template_problems(text):
                findings.add((*path, part, label), message, hint)


def _label_problems(rule: UserRule) -> Iterator[tuple[str, str]]:
    for label, value in rule.labels.items():
        if label in _RESERVED or label.startswith("__"):
            yield label, f"the label `{label}` has a meaning of its own in Prometheus"
        elif any(measure in value for measure in _MEASURES):
            yield label, "a label with the value in it makes a new alert at each change"
