"""All dashboards of a project: home, one for each service, stack, logs, SLO, runbooks."""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

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

# What the variables of a service's dashboard choose.
_CHOSEN: Final = {
    "selector": 'job=~"$job",instance=~"$instance"',
    "job_selector": 'job=~"$job"',
}
_Queries = tuple[tuple[str, str], ...]  # expressions and legends, filled in


class _Cell(NamedTuple):
    """A panel's place in a row, with the alert whose thresholds it draws."""

    panel: Panel
    queries: _Queries
    alert: Alert | None


class _Row(NamedTuple):
    title: str
    cells: Sequence[_Cell]

    @property
    def key(self) -> Hashable:
        """The same for rows that are drawn alike; panels and alerts are those of the catalogue."""
        return self.title, tuple((id(c.panel), c.queries, id(c.alert)) for c in self.cells)


_Drawn = dict[Hashable, list[Model]]


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
    drawn: _Drawn = {}
    boards += [
        _service(subject, _rows(subject, tuned, _CHOSEN), links, drawn)
        for subject in watched
        if dashboard_of(subject) != STACK_UID
    ]
    parts = (subject for subject in watched if dashboard_of(subject) == STACK_UID)
    boards.append(_stack(row for part in parts for row in _rows(part, tuned, {})))
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


def _service(subject: Subject, rows: Sequence[_Row], links: Links, drawn: _Drawn) -> Dashboard:
    # Hundreds of services of one kind have the very same panels.
    key = tuple(each.key for each in rows)
    panels = drawn.get(key) or drawn.setdefault(key, _panels(rows))
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
        panels=panels,
        variables=_variables(subject.service),
        links=where,
        alerts_of=subject.service,
    )
    return Dashboard(uid, title, model)


def _stack(rows: Iterable[_Row]) -> Dashboard:
    title = "Monitoring stack"
    where = [link("Home", "/d/obsctl-home")]
    model = dashboard_model(uid=STACK_UID, title=title, panels=_panels(rows), links=where)
    return Dashboard(STACK_UID, title, model)


def _panels(rows: Iterable[_Row]) -> list[Model]:
    grid = Grid()
    for row in rows:
        grid.row(row.title)
        for cell in row.cells:
            model = panel_model(cell.panel, cell.queries, cell.alert)
            grid.add(model, cell.panel.width, height_of(cell.panel))
    return grid.panels


def _rows(
    subject: Subject, tuned: Mapping[str, Tuned | None], values: Mapping[str, str]
) -> list[_Row]:
    alerts = _alerts(subject, tuned)
    rows = []
    for title, panels in by_row(subject.kind.panels):
        cells = [
            _Cell(panel, _queries(panel, subject, values), alerts.get(panel.alert or ""))
            for panel in panels
            if _is_shown(panel, subject)
        ]
        if cells:
            rows.append(_Row(title, cells))
    return rows


def _queries(panel: Panel, subject: Subject, values: Mapping[str, str]) -> _Queries:
    return tuple(
        (subject.fill(query.expr, values), subject.fill(query.legend, values))
        for query in panel.queries
        if subject.uses(query.expr)
    )


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
