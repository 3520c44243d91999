"""All dashboards of a project: home, one for each service, stack, logs, SLO, runbooks."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from obsctl.catalog.model import Alert, Catalog, Panel
from obsctl.catalog.text import number
from obsctl.project.dashboards import OwnDashboard
from obsctl.project.findings import Findings
from obsctl.project.schema import Project
from obsctl.stack import slo
from obsctl.stack.adopt import adopt_dashboard
from obsctl.stack.alerts import dashboard_of
from obsctl.stack.error_tracking import APP_CATEGORY
from obsctl.stack.home import home_dashboard, runbooks_dashboard
from obsctl.stack.links import RUNBOOKS_UID, SLO_UID, STACK_UID, Links
from obsctl.stack.logs_dashboard import logs_dashboard
from obsctl.stack.model import Dashboard, RunbookPage
from obsctl.stack.panels import (
    PROMETHEUS,
    Grid,
    Model,
    by_row,
    dashboard_model,
    height_of,
    link,
    panel_model,
)
from obsctl.stack.rules import build_rules
from obsctl.stack.subjects import Subject, subjects
from obsctl.stack.thresholds import Tuned, key_of, tune


def build_dashboards(
    project: Project,
    catalog: Catalog,
    findings: Findings,
    *,
    runbooks: tuple[RunbookPage, ...] | None = None,
    own: Sequence[OwnDashboard] = (),
) -> tuple[Dashboard, ...]:
    """`runbooks` fill a dashboard of their own, where alerts link to; built here if not given.

    `own` are the project's dashboards, as they were read.
    """
    if runbooks is None:
        runbooks = build_rules(project, catalog, findings).runbooks
    watched = subjects(project, catalog, findings)
    alerts = [alert for subject in watched for alert in subject.kind.alerts]
    # What is wrong with the tuning is a finding of the rules.
    tuned = tune(alerts, project.alerts, Findings(findings.document))
    links = Links(project)
    by_name = {subject.service: subject for subject in watched}
    promises = tuple(slo.promises(project, by_name, findings))
    boards = [home_dashboard(project, watched, links, runbooks, has_slo=bool(promises))]
    boards += [
        _service(subject, tuned, links) for subject in watched if dashboard_of(subject) != STACK_UID
    ]
    boards.append(_stack([s for s in watched if dashboard_of(s) == STACK_UID], tuned))
    if links.has_logs:
        boards.append(logs_dashboard(project))
    if promises:
        boards.append(_slo(promises))
    if runbooks:
        boards.append(runbooks_dashboard(runbooks))
    return (*boards, *_own(own, links, findings))


def _own(own: Sequence[OwnDashboard], links: Links, findings: Findings) -> Iterator[Dashboard]:
    uids: dict[str, str] = {}
    for file in own:
        place = ("dashboards", file.pattern)
        board, problems = adopt_dashboard(file.model, has_logs=links.has_logs)
        for problem in problems:
            findings.add(place, f"{file.path}: {problem}")
        if board is None:
            continue
        if board.uid in uids:
            message = f"{file.path}: its uid `{board.uid}` is that of {uids[board.uid]} too"
            findings.add(place, message)
        uids.setdefault(board.uid, file.path)
        yield board


def _service(subject: Subject, tuned: Mapping[str, Tuned | None], links: Links) -> Dashboard:
    grid = Grid()
    values = {
        "selector": 'job=~"$job",instance=~"$instance"',
        "job_selector": 'job=~"$job"',
    }
    _fill(grid, subject, tuned, values)
    where = [link("Home", "/d/obsctl-home"), link("Runbooks", f"/d/{RUNBOOKS_UID}")]
    if logs := links.logs(subject.service):
        where.insert(1, link("Logs", logs))
    if links.issues and subject.kind.category == APP_CATEGORY:
        where.insert(1, link("Errors", links.issues))
    uid = dashboard_of(subject)
    title = f"{subject.service} ({subject.kind.title})"
    model = dashboard_model(
        uid=uid,
        title=title,
        panels=grid.panels,
        variables=_variables(subject.service),
        links=where,
        alerts_of=subject.service,
    )
    return Dashboard(uid, title, model)


def _stack(subjects: Iterable[Subject], tuned: Mapping[str, Tuned | None]) -> Dashboard:
    grid = Grid()
    for subject in subjects:
        _fill(grid, subject, tuned, {})
    title = "Monitoring stack"
    where = [link("Home", "/d/obsctl-home")]
    model = dashboard_model(uid=STACK_UID, title=title, panels=grid.panels, links=where)
    return Dashboard(STACK_UID, title, model)


def _fill(
    grid: Grid, subject: Subject, tuned: Mapping[str, Tuned | None], values: Mapping[str, str]
) -> None:
    alerts = _alerts(subject, tuned)
    for title, panels in by_row(subject.kind.panels):
        shown = [panel for panel in panels if _is_shown(panel, subject)]
        if not shown:
            continue
        grid.row(title)
        for panel in shown:
            queries = [
                (subject.fill(query.expr, values), subject.fill(query.legend, values))
                for query in panel.queries
                if subject.uses(query.expr)
            ]
            model = panel_model(panel, queries, alerts.get(panel.alert or ""))
            grid.add(model, panel.width, height_of(panel))


def _is_shown(panel: Panel, subject: Subject) -> bool:
    return any(subject.uses(query.expr) for query in panel.queries)


def _alerts(subject: Subject, tuned: Mapping[str, Tuned | None]) -> dict[str, Alert]:
    found = (tuned[key_of(alert)] for alert in subject.kind.alerts)
    return {each.alert.name: each.alert for each in found if each}


def _variables(service: str) -> list[Model]:
    query = 'label_values(up{job=~"$job"}, instance)'
    return [
        {
            "type": "constant",
            "name": "job",
            "hide": 2,
            "query": service,
            "current": {"text": service, "value": service},
        },
        {
            "type": "query",
            "name": "instance",
            "label": "Instance",
            "datasource": PROMETHEUS,
            "definition": query,
            "query": {"query": query, "refId": "instance"},
            "refresh": 2,
            "sort": 1,
            "multi": True,
            "includeAll": True,
            "allValue": ".*",
            "current": {"text": ["All"], "value": ["$__all"]},
        },
    ]


def _slo(promises: tuple[slo.Promise, ...]) -> Dashboard:
    grid = Grid()
    for promise in promises:
        job = f'{{job="{promise.subject.service}"}}'
        grid.row(f"{promise.subject.service}: {promise.goal}")
        for panel, queries in _slo_panels(promise, job):
            grid.add(panel_model(panel, queries, _limits(promise, panel)), panel.width, 8)
    title = "Service level objectives"
    where = [link("Home", "/d/obsctl-home"), link("Runbooks", f"/d/{RUNBOOKS_UID}")]
    model: Mapping[str, Any] = dashboard_model(
        uid=SLO_UID, title=title, panels=grid.panels, links=where, time_from="now-2d"
    )
    return Dashboard(SLO_UID, title, model)


def _slo_panels(promise: slo.Promise, job: str) -> Iterator[tuple[Panel, list[tuple[str, str]]]]:
    budget = number(promise.budget)
    long = f"{promise.record('3d')}{job}"
    yield (
        Panel(
            "Budget pace over 3 days", (), "none", "stat", 6,
            "1 uses the budget up in exactly 30 days.", alert="pace",
        ),
        [(f"{long} / {budget}", "{{job}}")],
    )  # fmt: skip
    yield (
        Panel("Bad requests by window", (), "percentunit", width=18, alert="budget"),
        [(f"{promise.record(window)}{job}", window) for window in slo.WINDOWS],
    )


def _limits(promise: slo.Promise, panel: Panel) -> Alert | None:
    """The limits of the burn-rate alerts in the panel's own measure, as thresholds to draw."""
    scale = 1.0 if panel.alert == "pace" else promise.budget
    return slo.drawn(promise, scale)
