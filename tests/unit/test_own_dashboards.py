"""A project's own dashboards: read, adopted, rendered; what is wrong with one is located."""

import json
from pathlib import Path

import pytest

from tests.unit.stacks import refused, rendered

BOARD = {
    "title": "Orders",
    "uid": "orders",
    "schemaVersion": 41,
    "__inputs": [
        {"name": "DS_PROM", "type": "datasource", "pluginId": "prometheus", "label": "Prometheus"}
    ],
    "panels": [
        {
            "id": 1,
            "type": "timeseries",
            "title": "Orders",
            "gridPos": {"h": 8, "w": 12, "x": 0, "y": 0},
            "datasource": {"type": "prometheus", "uid": "${DS_PROM}"},
            "targets": [{"refId": "A", "expr": "sum(rate(orders_total[5m]))"}],
        }
    ],
}
PROJECT = "dashboards: ['boards/*.json']\n"


def with_board(root: Path, text: str) -> None:
    (root / "boards").mkdir()
    (root / "boards" / "orders.json").write_text(text)


def test_it_is_provisioned_with_the_fixed_datasource(tmp_path: Path) -> None:
    with_board(tmp_path, json.dumps(BOARD))
    model = json.loads(rendered(tmp_path, PROJECT)["grafana/dashboards/orders.json"])
    assert model["panels"][0]["datasource"]["uid"] == "obsctl-prometheus"
    assert "__inputs" not in model


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{\n  oops\n}", "2:3 this is not JSON"),
        (json.dumps({**BOARD, "elements": {}, "layout": {}}), "3:14 boards/orders.json: it is in"),
        ("[" * 100_000, "nested too deeply"),
        ("\xff", "this is not JSON"),
    ],
)
def test_what_is_wrong_has_its_place(tmp_path: Path, text: str, told: str) -> None:
    with_board(tmp_path, text)
    (problem,) = refused(tmp_path, PROJECT)
    assert told in problem


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("boards/*.json", "no file matches"),
        ("../*.json", "beside or below the project file"),
        ("/etc/*.json", "beside or below the project file"),
    ],
)
def test_patterns_that_lead_nowhere(tmp_path: Path, pattern: str, told: str) -> None:
    (problem,) = refused(tmp_path, f"dashboards: ['{pattern}']\n")
    assert problem.startswith("3:14 ")
    assert told in problem
