"""Grafana panels and their places, as the plain data of the classic dashboard model."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from obsctl.catalog.model import Alert, Panel
from obsctl.conventions import DATASOURCE_PROMETHEUS

COLUMNS: Final = 24
PROMETHEUS: Final = {"type": "prometheus", "uid": DATASOURCE_PROMETHEUS}
_HEIGHTS: Final = {"stat": 4, "gauge": 5, "table": 8, "heatmap": 8, "timeseries": 8}
_COLOURS: Final = {"info": "blue", "warning": "orange", "critical": "red"}
_ON_OFF: Final = frozenset({"bool_on_off", "bool_yes_no"})

Model = dict[str, Any]


@dataclass(slots=True)
class Grid:
    """Places panels from left to right, a new line where one does not fit."""

    panels: list[Model] = field(default_factory=list)
    _x: int = 0
    _y: int = 0
    _line: int = 0  # height of the present line

    def add(self, panel: Model, width: int, height: int) -> None:
        if self._x + width > COLUMNS:
            self.break_line()
        place = {"h": height, "w": width, "x": self._x, "y": self._y}
        identity = panel.get("id") or len(self.panels) + 1
        self.panels.append({**panel, "id": identity, "gridPos": place})
        self._x += width
        self._line = max(self._line, height)

    def row(self, title: str) -> None:
        self.break_line()
        self.add({"type": "row", "title": title, "collapsed": False, "panels": []}, COLUMNS, 1)
        self.break_line()

    def break_line(self) -> None:
        self._y += self._line
        self._x = self._line = 0


def height_of(panel: Panel) -> int:
    return _HEIGHTS[panel.type]


def panel_model(
    panel: Panel, queries: Sequence[tuple[str, str]], alert: Alert | None = None
) -> Model:
    """`queries` are filled expressions with their legends; `alert` draws its thresholds in."""
    make = {"heatmap": _heatmap, "table": _table}.get(panel.type, _graph)
    targets = [
        _target(chr(ord("A") + index), expr, legend, panel.type)
        for index, (expr, legend) in enumerate(queries)
    ]
    model: Model = {
        "type": panel.type,
        "title": panel.title,
        "datasource": PROMETHEUS,
        "targets": targets,
    }
    if panel.description:
        model["description"] = panel.description
    return model | make(panel, alert)


def text_panel(title: str, content: str) -> Model:
    return {
        "type": "text",
        "title": title,
        "datasource": PROMETHEUS,
        "targets": [],
        "options": {"mode": "markdown", "content": content},
        "fieldConfig": {"defaults": {}, "overrides": []},
    }


def threshold_steps(alert: Alert) -> list[Model]:
    """Colours by the alert's tiers; for an alert that fires below, the worst comes first."""
    tiers = [tier for tier in alert.tiers if tier.threshold is not None]
    if not alert.below:
        steps = [{"color": _COLOURS[tier.severity], "value": tier.threshold} for tier in tiers]
        return [{"color": "green", "value": None}, *steps]
    worst_first = tiers[::-1]
    colours = [_COLOURS[tier.severity] for tier in worst_first] + ["green"]
    values = [None, *(tier.threshold for tier in worst_first)]
    return [
        {"color": colour, "value": value} for colour, value in zip(colours, values, strict=True)
    ]


def _target(ref: str, expr: str, legend: str, type_: str) -> Model:
    target: Model = {
        "refId": ref,
        "datasource": PROMETHEUS,
        "editorMode": "code",
        "expr": expr,
        "legendFormat": legend or "__auto",
    }
    if type_ == "table":
        return target | {"instant": True, "range": False, "format": "table"}
    if type_ == "heatmap":
        return target | {"range": True, "format": "heatmap"}
    return target | {"range": True}


def _defaults(panel: Panel, alert: Alert | None) -> Model:
    steps: list[Model] = [{"color": "green", "value": None}]
    if alert:
        steps = threshold_steps(alert)
    elif panel.unit in _ON_OFF:
        steps = [{"color": "red", "value": None}, {"color": "green", "value": 1}]
    defaults: Model = {
        "unit": panel.unit,
        "thresholds": {"mode": "absolute", "steps": steps},
    }
    if panel.maximum is not None:
        defaults |= {"min": 0, "max": panel.maximum}
    elif panel.unit == "percentunit" and panel.type == "timeseries":
        defaults["min"] = 0
    return defaults


def _graph(panel: Panel, alert: Alert | None) -> Model:
    defaults = _defaults(panel, alert)
    if panel.type in ("stat", "gauge"):
        reduce = {"calcs": ["lastNotNull"], "fields": "", "values": False}
        options: Model = {"reduceOptions": reduce}
        if panel.type == "stat":
            coloured = alert is not None or panel.unit in _ON_OFF
            options |= {"colorMode": "value" if coloured else "none", "graphMode": "none"}
        return {"fieldConfig": {"defaults": defaults, "overrides": []}, "options": options}
    defaults["custom"] = {
        "drawStyle": "line",
        "fillOpacity": 8,
        "lineWidth": 1,
        "showPoints": "never",
        "thresholdsStyle": {"mode": "dashed" if alert else "off"},
    }
    return {
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": {
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
    }


def _heatmap(panel: Panel, alert: Alert | None) -> Model:  # noqa: ARG001 - one signature for all
    return {
        "fieldConfig": {"defaults": {}, "overrides": []},
        "options": {
            "calculate": False,
            "color": {"mode": "scheme", "scheme": "Oranges", "steps": 64},
            "yAxis": {"unit": panel.unit},
            "cellGap": 1,
            "tooltip": {"mode": "single", "showColorScale": True, "yHistogram": False},
        },
    }


def _table(panel: Panel, alert: Alert | None) -> Model:
    return {
        "fieldConfig": {"defaults": _defaults(panel, alert), "overrides": []},
        "options": {"showHeader": True, "cellHeight": "sm"},
        "transformations": [
            {"id": "organize", "options": {"excludeByName": {"Time": True, "__name__": True}}}
        ],
    }


def by_row(panels: Iterable[Panel]) -> Iterator[tuple[str, list[Panel]]]:
    """Panels under the titles of their rows, in the order of the catalogue."""
    rows: dict[str, list[Panel]] = {}
    for panel in panels:
        rows.setdefault(panel.row, []).append(panel)
    yield from rows.items()


def dashboard_model(  # noqa: PLR0913 - the parts of a dashboard that differ
    *,
    uid: str,
    title: str,
    panels: list[Model],
    variables: Sequence[Model] = (),
    links: Sequence[Model] = (),
    alerts_of: str | None = None,
    time_from: str = "now-6h",
) -> Mapping[str, Any]:
    """A classic dashboard, complete; `alerts_of` marks firing alerts of a service in its graphs."""
    return {
        "id": None,
        "uid": uid,
        "title": title,
        "tags": ["obsctl"],
        "schemaVersion": 42,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": time_from, "to": "now"},
        "timezone": "",
        "links": list(links),
        "annotations": {"list": [_annotation(alerts_of)] if alerts_of else []},
        "templating": {"list": list(variables)},
        "panels": panels,
    }


def _annotation(service: str) -> Model:
    return {
        "name": "Alerts",
        "datasource": PROMETHEUS,
        "enable": True,
        "iconColor": "red",
        "expr": f'ALERTS{{alertstate="firing",service="{service}"}}',
        "step": "60s",
        "titleFormat": "{{alertname}}",
        "textFormat": "{{severity}} {{instance}}",
    }


def link(title: str, url: str) -> Model:
    external = url.startswith("http")
    return {
        "type": "link",
        "title": title,
        "url": url,
        "icon": "external link" if external else "dashboard",
        "keepTime": not external,
        "targetBlank": external,
    }
