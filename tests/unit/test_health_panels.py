"""The queries of a dashboard with its variables filled in."""

import pytest

from obsctl.health.checks.panels import await_rules
from obsctl.health.judging.panels import PanelQuery, panel_queries

PROMETHEUS = {"type": "prometheus", "uid": "obsctl-prometheus"}
MODEL = {
    "uid": "obsctl-backend",
    "templating": {
        "list": [
            {"name": "job", "current": {"value": "backend"}},
            {"name": "instance", "current": {"value": ["$__all"]}, "allValue": None},
            {"name": "code", "current": {"value": ["200", "500"]}},
            {"name": "route", "current": {"value": "$__all"}, "allValue": "/.*"},
            {"name": "fresh"},
        ]
    },
    "panels": [
        {
            "title": "Rate",
            "datasource": PROMETHEUS,
            "targets": [{"expr": 'rate(a{job=~"$job",i=~"$instance"}[$__rate_interval])'}],
        },
        {"type": "row", "title": "Row", "panels": [
            {"title": "In a row", "targets": [
                {"datasource": PROMETHEUS,
                 "expr": 'a{c=~"${code:regex}",r=~"[[route]]",f="$fresh"}'}
            ]},
        ]},
        {"title": "Logs", "datasource": {"uid": "es"}, "targets": [{"query": "level:error"}]},
        {"title": "Text", "type": "text"},
    ],
}  # fmt: skip


def test_queries() -> None:
    dashboard, uid = "obsctl-backend", "obsctl-prometheus"
    assert panel_queries(MODEL) == (
        PanelQuery(dashboard, "Rate", uid, 'rate(a{job=~"backend",i=~".+"}[5m])'),
        PanelQuery(dashboard, "In a row", uid, 'a{c=~"(200|500)",r=~"/.*",f=".+"}'),
        PanelQuery(dashboard, "Logs", "es", "level:error"),
    )


def test_a_dollar_that_is_no_variable_stays() -> None:
    model = {
        "uid": "x",
        "panels": [{"title": "t", "targets": [{"expr": 'label_replace(a,"b","$1","c","(.*)")'}]}],
    }
    assert panel_queries(model)[0].expr == 'label_replace(a,"b","$1","c","(.*)")'


@pytest.mark.parametrize(
    ("health", "state", "metrics", "waits"),
    [
        ("unknown", "unknown", {"ALERTS"}, True),
        ("unknown", "unknown", {"ALERTS", "up"}, False),
        ("ok", "firing", {"ALERTS"}, True),
        ("ok", "inactive", {"ALERTS"}, False),
    ],
)
def test_panels_of_alerts_wait_for_prometheus_to_write_them(
    health: str, state: str, metrics: set[str], *, waits: bool
) -> None:
    rules = [
        {"type": "recording", "health": "unknown"},
        {"type": "alerting", "health": "ok", "state": "inactive"},
        {"type": "alerting", "health": health, "state": state},
    ]
    assert await_rules(rules, metrics) is waits
