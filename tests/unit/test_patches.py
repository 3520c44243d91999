"""RFC 7386 merge patches, by the RFC's own examples and on rendered files."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from obsctl.render.patches import merge, patched_text
from tests.unit.stacks import rendered

# RFC 7386, appendix A, as far as a target in YAML can be what it says.
RFC_EXAMPLES: list[tuple[Any, Any, Any]] = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]


@pytest.mark.parametrize(("target", "patch", "expected"), RFC_EXAMPLES)
def test_rfc_7386(target: object, patch: object, expected: object) -> None:
    assert merge(target, patch) == expected


def test_the_target_is_left_as_it_was() -> None:
    target = {"a": {"b": 1}}
    merge(target, {"a": {"b": 2}})
    assert target == {"a": {"b": 1}}


def test_a_patched_file_keeps_its_header_and_reads_back() -> None:
    text = patched_text(
        "a.yml", "# header\na: {b: '1', c: yes it is}\n", {"a": {"c": None, "d": "on"}}
    )
    assert text.startswith("# header\n")
    assert yaml.safe_load(text) == {"a": {"b": "1", "d": "on"}}


def test_json_stays_json() -> None:
    assert json.loads(patched_text("a.json", '{"a": 1}', {"b": ["é"]})) == {"a": 1, "b": ["é"]}


def test_patches_reach_yaml_json_and_compose(tmp_path: Path) -> None:
    files = rendered(
        tmp_path,
        """\
patches:
  prometheus/prometheus.yml: { global: { external_labels: { site: north } } }
  grafana/dashboards/obsctl-home.json: { refresh: 5s }
  docker-compose.yml: { services: { prometheus: { mem_limit: null } } }
""",
    )
    assert yaml.safe_load(files["prometheus/prometheus.yml"])["global"]["external_labels"] == {
        "site": "north"
    }
    assert json.loads(files["grafana/dashboards/obsctl-home.json"])["refresh"] == "5s"
    services = yaml.safe_load(files["docker-compose.yml"])["services"]
    assert "mem_limit" not in services["prometheus"]
