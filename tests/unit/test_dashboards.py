"""Dashboards: nothing overlaps, every query parses and shows what the catalogue declares."""

import json
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from obsctl.conventions import DATASOURCE_PROMETHEUS
from obsctl.project.dashboards import OwnDashboard
from obsctl.project.findings import Findings
from obsctl.stack.adopt import adopt_dashboard
from obsctl.stack.dashboard_check import all_panels, check_dashboard, declared
from obsctl.stack.dashboards import build_dashboards
from obsctl.stack.links import panel_id, service_uid
from obsctl.stack.model import Dashboard
from obsctl.stack.subjects import subjects
from tests.unit.catalog_support import EVERY_KIND, SMALL, loaded, whole_catalog

PROMETHEUS = {"type": "prometheus", "uid": DATASOURCE_PROMETHEUS}
OWN: dict[str, Any] = {
    "title": "Orders",
    "uid": "orders",
    "schemaVersion": 39,
    "panels": [
        {
            "id": 1,
            "type": "timeseries",
            "title": "Orders",
            "gridPos": {"h": 8, "w": 12, "x": 0, "y": 0},
            "datasource": {"type": "prometheus", "uid": "${DS_PROM}"},
            "targets": [{"refId": "A", "expr": "rate(orders_total[$__rate_interval])"}],
        }
    ],
    "__inputs": [{"name": "DS_PROM", "type": "datasource", "pluginId": "prometheus"}],
    "__requires": [],
}


def boards(directory: Path, text: str) -> dict[str, Dashboard]:
    project = loaded(directory, text)
    findings = Findings(project.document)
    built = build_dashboards(project.project, whole_catalog(), findings)
    findings.raise_any()
    return {board.uid: board for board in built}


@pytest.fixture(scope="module")
def widest(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Dashboard]:
    return boards(tmp_path_factory.mktemp("boards"), EVERY_KIND)


def test_all_dashboards_are_there(widest: Mapping[str, Dashboard]) -> None:
    fixed = {"obsctl-home", "obsctl-stack", "obsctl-slo", "obsctl-logs", "obsctl-runbooks"}
    assert fixed <= widest.keys()
    assert {"obsctl-backend", "obsctl-pg", "obsctl-probe"} <= widest.keys()


def test_layout_queries_and_metrics(widest: Mapping[str, Dashboard], tmp_path: Path) -> None:
    project = loaded(tmp_path, EVERY_KIND)
    watched = subjects(project.project, whole_catalog(), Findings(project.document))
    known = {"up": "gauge", "ALERTS": "gauge"}
    for subject in watched:
        kind = subject.kind
        known |= {
            subject.fill(name): type_ for name, type_ in kind.metrics.items() if subject.uses(name)
        }
        known |= {subject.fill(each.record): "gauge" for each in kind.recordings}
        for objective in kind.objectives.values():
            for window in ("5m", "30m", "1h", "6h", "3d"):
                known[subject.fill(objective.record, {"window": window})] = "gauge"
    metrics = declared(known)
    for board in widest.values():
        assert check_dashboard(board.model, metrics) == [], board.uid


def test_models_are_plain_json(widest: Mapping[str, Dashboard]) -> None:
    for board in widest.values():
        assert json.loads(json.dumps(board.model)) == board.model


def test_thresholds_of_alerts_are_drawn_in(widest: Mapping[str, Dashboard]) -> None:
    def steps(uid: str, title: str) -> list[Any]:
        (panel,) = (p for p in all_panels(widest[uid].model) if p["title"] == title)
        found: list[Any] = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
        return [(step["color"], step["value"]) for step in found]

    assert steps("obsctl-backend", "Error ratio") == [
        ("green", None),
        ("orange", 0.05),
        ("red", 0.1),
    ]
    # free memory is bad when it is low
    assert steps("obsctl-machine", "Memory available") == [
        ("red", None),
        ("orange", 0.05),
        ("green", 0.1),
    ]


def test_the_seeds_panels_and_key_metrics_have_a_place(widest: Mapping[str, Dashboard]) -> None:
    titles = {panel["title"] for board in widest.values() for panel in all_panels(board.model)}
    assert {
        "Request rate", "Error ratio", "Latency", "Active database connections",
        "Memory available", "CPU usage", "Active users", "Query time (p95)", "Cache hit ratio",
        "Disk throughput", "Network bandwidth", "Container health", "Transactions",
        "Revenue in an hour", "API calls in an hour",
    } <= titles  # fmt: skip


def test_panels_of_settings_that_are_not_set_are_left_out(tmp_path: Path) -> None:
    found = boards(tmp_path, SMALL)["obsctl-api"].model
    titles = {panel["title"] for panel in all_panels(found)}
    assert "API calls in an hour" in titles
    assert "Transactions" not in titles


def test_runbook_links_lead_to_panels(widest: Mapping[str, Dashboard]) -> None:
    ids = {panel["id"] for panel in all_panels(widest["obsctl-runbooks"].model)}
    assert panel_id("HighErrorRate") in ids


@pytest.mark.parametrize("name", ["home", "stack", "logs", "slo", "runbooks", "a" * 63])
def test_uids_are_free_and_short(name: str) -> None:
    uid = service_uid(name)
    assert len(uid) <= 40
    assert uid not in {"obsctl-home", "obsctl-stack", "obsctl-logs", "obsctl-slo"}


def adopted(change: Mapping[str, Any] = MappingProxyType({})) -> tuple[Dashboard | None, list[str]]:
    return adopt_dashboard({**deepcopy(OWN), **change})


def panel(**change: object) -> dict[str, Any]:
    return {"panels": [{**deepcopy(OWN["panels"][0]), **change}]}


def test_inputs_become_the_fixed_datasource() -> None:
    board, problems = adopted()
    assert problems == []
    assert board is not None
    (shown,) = all_panels(board.model)
    assert shown["datasource"] == PROMETHEUS
    assert shown["targets"][0]["datasource"] == PROMETHEUS
    assert "__inputs" not in board.model


@pytest.mark.parametrize("source", [None, "Prometheus", "default", {"type": "prometheus"}])
def test_datasources_by_name(source: object) -> None:
    board, problems = adopted(panel(datasource=source))
    assert problems == []
    assert board is not None
    assert next(all_panels(board.model))["datasource"] == PROMETHEUS


def test_a_variable_that_chooses_the_datasource_goes() -> None:
    variables = {"list": [{"type": "datasource", "name": "ds", "query": "prometheus"}]}
    change = panel(datasource={"type": "prometheus", "uid": "$ds"}) | {"templating": variables}
    board, problems = adopted(change)
    assert problems == []
    assert board is not None
    assert "datasource" not in json.dumps(board.model["templating"])


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"elements": {}, "layout": {}}, "the v2 format"),
        ({"apiVersion": "dashboard.grafana.app/v2", "spec": {}}, "the v2 format"),
        ({"uid": "obsctl-mine"}, "as obsctl's own do"),
        ({"uid": "a" * 41}, "is no uid"),
        ({"schemaVersion": 43}, "up to 42 is known"),
        ({"__elements": {"x": {}}}, "library panels"),
        (panel(datasource={"type": "loki", "uid": "x"}), "of type `loki`"),
        (panel(datasource={"type": "prometheus", "uid": "PBFA9"}), "of another Grafana"),
        (panel(gridPos={"h": 8, "w": 12, "x": 13, "y": 0}), "does not fit into 24 columns"),
        (panel(targets=[{"refId": "A", "expr": "rate("}]), "this is no PromQL"),
        ({"panels": [OWN["panels"][0], OWN["panels"][0]]}, "overlap"),
        ({"panels": [OWN["panels"][0], OWN["panels"][0]]}, "used twice"),
    ],
)
def test_what_cannot_be_adopted_says_why(change: dict[str, Any], problem: str) -> None:
    board, problems = adopted(change)
    assert board is None
    assert any(problem in each for each in problems), problems


@pytest.mark.parametrize("model", [[], "text", None, {"title": "no panels"}])
def test_what_is_no_dashboard(model: object) -> None:
    board, problems = adopt_dashboard(model)
    assert board is None
    assert len(problems) == 1


def test_own_dashboards_come_last_and_keep_their_uids_apart(tmp_path: Path) -> None:
    project = loaded(tmp_path, SMALL)
    findings = Findings(project.document)
    own = [OwnDashboard(0, "a.json", OWN), OwnDashboard(0, "b.json", OWN)]
    built = build_dashboards(project.project, whole_catalog(), findings, own=own)
    assert built[-1].uid == "orders"
    assert any("b.json: its uid `orders`" in problem.message for problem in findings.problems)
