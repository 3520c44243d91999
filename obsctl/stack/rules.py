"""All rules of a project with their unit tests and runbooks."""

from collections.abc import Iterator
from dataclasses import dataclass

from obsctl.catalog.model import Alert, Catalog
from obsctl.project.findings import Findings
from obsctl.project.schema import Project
from obsctl.stack import slo
from obsctl.stack.alerts import Applied, Applier, recording_rules
from obsctl.stack.cases import looks
from obsctl.stack.known_metrics import KnownMetrics, known_metrics
from obsctl.stack.links import Links
from obsctl.stack.model import RuleGroup, RuleTest, RunbookPage
from obsctl.stack.packing import packed
from obsctl.stack.runbooks import runbook_pages
from obsctl.stack.slo_cases import looks as slo_looks
from obsctl.stack.subjects import Subject, subjects, targets_of
from obsctl.stack.thresholds import tune
from obsctl.stack.user_rules import user_rules

USER_GROUP = "obsctl.user-rules"


@dataclass(frozen=True, slots=True)
class Rules:
    groups: tuple[RuleGroup, ...]
    tests: tuple[RuleTest, ...]
    runbooks: tuple[RunbookPage, ...]


def build_rules(project: Project, catalog: Catalog, findings: Findings) -> Rules:
    """Rules by service, tests and runbooks; whatever cannot work is added to `findings`."""
    watched = subjects(project, catalog, findings)
    applier = _applier(project, catalog, watched, findings)
    applied = {subject.service: _applied(applier, subject, catalog) for subject in watched}
    by_name = {subject.service: subject for subject in watched}
    promises = tuple(slo.promises(project, by_name, findings))
    groups = [
        group
        for subject in watched
        for group in _groups(subject, applied[subject.service], promises, applier.links)
    ]
    known = None
    if project.rules and _is_complete(project, catalog):
        own = [rule.record for rule in project.rules if rule.record]
        known = known_metrics(project, watched, catalog, [*_recorded(groups), *own])
    groups += _user_groups(project, groups, known, findings)
    every = [each for uses in applied.values() for each in uses]
    burns = (
        (p.alert, p.subject, slo.runbook(p), tuple(slo.alert_rules(p, applier.links)))
        for p in promises
    )
    return Rules(
        groups=tuple(groups),
        tests=_tests(every, promises),
        runbooks=runbook_pages(every, burns),
    )


def _applier(
    project: Project, catalog: Catalog, watched: tuple[Subject, ...], findings: Findings
) -> Applier:
    alerts = tuple(_alerts(catalog, watched))
    tunings = project.alerts
    if not _is_complete(project, catalog):
        known = {alert.name for alert in alerts}
        tunings = {name: tuning for name, tuning in tunings.items() if name in known}
    tuned = tune(alerts, tunings, findings)
    return Applier(tuned, Links(project), project.stack.prometheus.retention, findings)


def _is_complete(project: Project, catalog: Catalog) -> bool:
    """False where a service's kind is not there, which is a finding of its own.

    Nobody can say then which alerts and metrics the project would have with it.
    """
    return all(service.kind in catalog.kinds for service in project.services.values())


def _alerts(catalog: Catalog, watched: tuple[Subject, ...]) -> Iterator[Alert]:
    kinds = {subject.kind.name: subject.kind for subject in watched}
    for subject in watched[:1]:
        target = targets_of(subject, catalog).kind
        kinds[target.name] = target
    for kind in kinds.values():
        yield from kind.alerts


def _applied(applier: Applier, subject: Subject, catalog: Catalog) -> list[Applied]:
    target = targets_of(subject, catalog)
    both = [subject] if subject.kind is target.kind else [subject, target]
    return [each for one in both for each in applier.apply(one)]


def _tests(applied: list[Applied], promises: tuple[slo.Promise, ...]) -> tuple[RuleTest, ...]:
    # Hundreds of services differ in their names only: the first of them is tested for all.
    apart: dict[object, Applied] = {}
    for each in applied:
        apart.setdefault(_but_for_names(each), each)
    of_alerts = (look for each in apart.values() for look in looks(each))
    of_objectives = (look for promise in promises for look in slo_looks(promise))
    return packed([*of_alerts, *of_objectives])


def _but_for_names(applied: Applied) -> tuple[object, ...]:
    """All that the unit tests of an alert depend on, but for the names of its service."""
    subject, named = applied.subject, f'"{applied.subject.service}"'
    rules = tuple((rule.expr.replace(named, ""), rule.for_) for rule in applied.rules)
    return applied.alert.name, subject.kind.name, tuple(subject.settings.items()), rules


def _groups(
    subject: Subject, applied: list[Applied], promises: tuple[slo.Promise, ...], links: Links
) -> Iterator[RuleGroup]:
    own = [promise for promise in promises if promise.subject is subject]
    recordings = [*recording_rules(subject)]
    recordings += [rule for promise in own for rule in slo.recordings(promise)]
    alerts = [rule for each in applied for rule in each.rules]
    alerts += [rule for promise in own for rule in slo.alert_rules(promise, links)]
    if recordings:
        yield RuleGroup(f"{subject.service}.recordings", tuple(recordings))
    yield RuleGroup(f"{subject.service}.alerts", tuple(alerts))


def _recorded(groups: list[RuleGroup]) -> Iterator[str]:
    return (rule.record for group in groups for rule in group.rules if rule.record)


def _user_groups(
    project: Project, groups: list[RuleGroup], known: KnownMetrics | None, findings: Findings
) -> Iterator[RuleGroup]:
    names = {rule.alert or rule.record or "" for group in groups for rule in group.rules}
    recordings, alerts = user_rules(project, frozenset(names), known, findings)
    if recordings:
        yield RuleGroup(f"{USER_GROUP}.recordings", recordings)
    if alerts:
        yield RuleGroup(f"{USER_GROUP}.alerts", alerts)
