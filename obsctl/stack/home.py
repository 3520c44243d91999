"""The dashboards a person starts from: what fires, what is down, where everything is."""

from collections.abc import Iterator

from obsctl.catalog.model import Panel, Query
from obsctl.conventions import HOME_DASHBOARD
from obsctl.project.schema import Project
from obsctl.stack.alerts import dashboard_of
from obsctl.stack.links import LOGS_UID, RUNBOOKS_UID, SLO_UID, STACK_UID, Links, panel_id
from obsctl.stack.model import Dashboard, RunbookPage
from obsctl.stack.panels import Grid, Model, dashboard_model, link, panel_model, text_panel
from obsctl.stack.subjects import Subject

_FIRING = 'ALERTS{alertstate="firing",severity!="none"}'
_SEVERITY_COLOURS = {"critical": "red", "warning": "orange", "info": "blue"}


def home_dashboard(
    project: Project,
    watched: tuple[Subject, ...],
    links: Links,
    runbooks: tuple[RunbookPage, ...],
    *,
    has_slo: bool,
) -> Dashboard:
    grid = Grid()
    grid.row("Now")
    for severity, colour in _SEVERITY_COLOURS.items():
        expr = f'count(ALERTS{{alertstate="firing",severity="{severity}"}}) or vector(0)'
        grid.add(_count(f"Firing: {severity}", expr, colour), 4, 4)
    grid.add(_count("Targets down", "count(up == 0) or vector(0)", "red"), 4, 4)
    grid.add(_simple("Targets up", "count(up == 1) or vector(0)", "stat", "up"), 4, 4)
    grid.add(_simple("Series", "sum(prometheus_tsdb_head_series)", "stat", "series"), 4, 4)
    grid.add(_firing_table(), 16, 9)
    grid.add(text_panel("Where everything is", _places(project, watched, links, has_slo)), 8, 9)
    grid.row("Targets")
    grid.add(_health(), 12, 9)
    grid.add(
        _simple("Alerts over time", f"sum by (severity) ({_FIRING})", "timeseries", "{{severity}}"),
        12,
        9,
    )
    if runbooks:
        grid.row("Runbooks")
        grid.add(text_panel("Runbooks by alert", _runbook_index(runbooks)), 24, 12)
    title = f"{project.project}: home"
    where = [link("Stack", f"/d/{STACK_UID}")]
    model = dashboard_model(uid=HOME_DASHBOARD, title=title, panels=grid.panels, links=where)
    return Dashboard(HOME_DASHBOARD, title, model)


def runbooks_dashboard(runbooks: tuple[RunbookPage, ...]) -> Dashboard:
    """One panel for each runbook: `?viewPanel=panel-<id>` shows it alone, which alerts link to."""
    grid = Grid()
    grid.add(text_panel("Runbooks by alert", _runbook_index(runbooks)), 24, 12)
    for page in runbooks:
        panel = text_panel(page.title, page.body) | {"id": panel_id(page.alert)}
        grid.add(panel, 24, 18)
    title = "Runbooks"
    where = [link("Home", f"/d/{HOME_DASHBOARD}")]
    model = dashboard_model(uid=RUNBOOKS_UID, title=title, panels=grid.panels, links=where)
    return Dashboard(RUNBOOKS_UID, title, model)


def _simple(title: str, expr: str, type_: str, legend: str) -> Model:
    panel = Panel(title, (Query(expr, legend),), "short", type_)
    return panel_model(panel, [(expr, legend)])


def _count(title: str, expr: str, colour: str) -> Model:
    model = _simple(title, expr, "stat", title)
    steps = [{"color": "green", "value": None}, {"color": colour, "value": 1}]
    model["fieldConfig"]["defaults"]["thresholds"]["steps"] = steps
    model["options"]["colorMode"] = "background"
    return model


def _firing_table() -> Model:
    model = _simple("Firing alerts", _FIRING, "table", "")
    hidden = ("Time", "Value", "__name__", "alertstate", "job", "environment", "system")
    order = ("severity", "alertname", "service", "instance")
    model["transformations"] = [
        {
            "id": "organize",
            "options": {
                "excludeByName": dict.fromkeys(hidden, True),
                "indexByName": {name: index for index, name in enumerate(order)},
            },
        }
    ]
    mappings = {severity: {"color": colour} for severity, colour in _SEVERITY_COLOURS.items()}
    model["fieldConfig"]["overrides"] = [
        {
            "matcher": {"id": "byName", "options": "severity"},
            "properties": [
                {"id": "mappings", "value": [{"type": "value", "options": mappings}]},
                {"id": "custom.cellOptions", "value": {"type": "color-text"}},
            ],
        },
        {
            "matcher": {"id": "byName", "options": "alertname"},
            "properties": [
                {"id": "links", "value": [{"title": "Runbooks", "url": f"/d/{RUNBOOKS_UID}"}]}
            ],
        },
    ]
    return model


def _health() -> Model:
    panel = Panel("Target health", (), "bool_on_off", "table")
    model = panel_model(panel, [("min by (job, instance) (up)", "")])
    model["fieldConfig"]["overrides"] = [
        {
            "matcher": {"id": "byName", "options": "Value"},
            "properties": [
                {"id": "displayName", "value": "up"},
                {"id": "custom.cellOptions", "value": {"type": "color-text"}},
            ],
        }
    ]
    return model


def _places(
    project: Project,
    watched: tuple[Subject, ...],
    links: Links,
    has_slo: bool,  # noqa: FBT001
) -> str:
    lines = ["**Services**", ""]
    for subject in watched:
        if dashboard_of(subject) != STACK_UID:
            url = f"/d/{dashboard_of(subject)}"
            lines.append(f"- [{subject.service}]({url}) ({subject.kind.title})")
    lines += ["", "**Stack**", "", f"- [Monitoring stack](/d/{STACK_UID})"]
    if links.has_logs:
        lines.append(f"- [Logs](/d/{LOGS_UID})")
    if has_slo:
        lines.append(f"- [Service level objectives](/d/{SLO_UID})")
    lines += [f"- [{name}]({url})" for name, url in _interfaces(project, links)]
    return "\n".join(lines)


def _interfaces(project: Project, links: Links) -> Iterator[tuple[str, str]]:
    yield "Prometheus", links.prometheus
    yield "Alertmanager", links.alertmanager
    if links.kibana:
        yield "Kibana", links.kibana
    if links.issues:
        yield "Errors", links.issues
    if project.probes:
        yield from ((f"probe: {url}", url) for url in project.probes)


def _runbook_index(runbooks: tuple[RunbookPage, ...]) -> str:
    lines = []
    for severity in ("critical", "warning", "info", "none"):
        pages = [page for page in runbooks if page.severities and page.severities[0] == severity]
        if pages:
            heading = "always firing" if severity == "none" else severity
            lines += [f"**{heading}**", ""]
            lines += [_entry(page) for page in pages]
            lines.append("")
    return "\n".join(lines)


def _entry(page: RunbookPage) -> str:
    url = f"/d/{RUNBOOKS_UID}?viewPanel=panel-{panel_id(page.alert)}"
    _, _, summary = page.title.partition(": ")
    return f"- [{page.alert}]({url}): {summary}"
