"""The dashboard of logs: how many by level and service, and the events themselves."""

from obsctl.conventions import DATASOURCE_ELASTICSEARCH
from obsctl.project.schema import Project
from obsctl.stack.links import LOGS_UID
from obsctl.stack.model import Dashboard
from obsctl.stack.panels import Grid, Model, dashboard_model, link

ELASTICSEARCH = {"type": "elasticsearch", "uid": DATASOURCE_ELASTICSEARCH}
_ALL = "service.name:$service"
_ERRORS = f"{_ALL} AND log.level:(error OR ERROR OR fatal OR FATAL OR critical OR CRITICAL)"


def logs_dashboard(project: Project) -> Dashboard:
    grid = Grid()
    grid.row("Volume")
    grid.add(_counted("Events by level", _ALL, "log.level"), 12, 8)
    grid.add(_counted("Errors by service", _ERRORS, "service.name"), 12, 8)
    grid.row("Events")
    grid.add(_events("Errors", _ERRORS), 24, 10)
    grid.add(_events("All events", _ALL), 24, 14)
    title = "Logs"
    model = dashboard_model(
        uid=LOGS_UID,
        title=title,
        panels=grid.panels,
        variables=[_services(project)],
        links=[link("Home", "/d/obsctl-home")],
        time_from="now-1h",
    )
    return Dashboard(LOGS_UID, title, model)


def _counted(title: str, query: str, field: str) -> Model:
    terms = {"size": "10", "order": "desc", "orderBy": "_count", "min_doc_count": "1"}
    buckets = [
        {"id": "2", "type": "terms", "field": field, "settings": terms},
        {"id": "3", "type": "date_histogram", "field": "@timestamp", "settings": {}},
    ]
    return {
        "type": "timeseries",
        "title": title,
        "datasource": ELASTICSEARCH,
        "targets": [_target(query, [{"id": "1", "type": "count"}], buckets)],
        "fieldConfig": {
            "defaults": {
                "unit": "short",
                "custom": {
                    "drawStyle": "bars",
                    "fillOpacity": 80,
                    "lineWidth": 0,
                    "stacking": {"mode": "normal", "group": "A"},
                },
            },
            "overrides": [],
        },
        "options": {
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
    }


def _events(title: str, query: str) -> Model:
    metrics = [{"id": "1", "type": "logs", "settings": {"limit": "500"}}]
    return {
        "type": "logs",
        "title": title,
        "datasource": ELASTICSEARCH,
        "targets": [_target(query, metrics, [])],
        "fieldConfig": {"defaults": {}, "overrides": []},
        "options": {
            "showTime": True,
            "wrapLogMessage": True,
            "enableLogDetails": True,
            "sortOrder": "Descending",
            "dedupStrategy": "none",
        },
    }


def _target(query: str, metrics: list[Model], buckets: list[Model]) -> Model:
    return {
        "refId": "A",
        "datasource": ELASTICSEARCH,
        "query": query,
        "timeField": "@timestamp",
        "metrics": metrics,
        "bucketAggs": buckets,
    }


def _services(project: Project) -> Model:
    query = '{"find":"terms","field":"service.name"}'
    return {
        "type": "query",
        "name": "service",
        "label": f"Service of {project.project}",
        "datasource": ELASTICSEARCH,
        "definition": query,
        "query": query,
        "refresh": 2,
        "sort": 1,
        "multi": False,
        "includeAll": True,
        "allValue": "*",
        "current": {"text": "All", "value": "$__all"},
    }
