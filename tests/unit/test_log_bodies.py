"""What the two setup scripts send: the bodies that Elasticsearch's and Kibana's APIs take."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.unit.stacks import rendered

SETUP, KIBANA = "elasticsearch/setup", "kibana-setup"


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    return rendered(tmp_path, "logs: { retention: 10d }\n")


def body(files: dict[str, str], path: str) -> Any:  # noqa: ANN401 - JSON
    return json.loads(files[path])


@pytest.mark.parametrize(
    ("role", "names", "privileges"),
    [
        ("logstash_writer", ["logs-*-*"], ["auto_configure", "create_doc"]),
        ("grafana_reader", ["logs-*-*"], ["read", "view_index_metadata"]),
        ("es_exporter", ["*"], ["monitor", "view_index_metadata"]),
    ],
)
def test_roles_have_the_least_privileges(
    files: dict[str, str], role: str, names: list[str], privileges: list[str]
) -> None:
    assert body(files, f"{SETUP}/role_{role}.json") == {
        "cluster": ["monitor"],
        "indices": [{"names": names, "privileges": privileges}],
    }


def test_retention_is_set_for_new_and_existing_data_streams(files: dict[str, str]) -> None:
    template = body(files, f"{SETUP}/template_logs_custom.json")["template"]
    assert template["lifecycle"] == body(files, f"{SETUP}/retention.json")
    assert template["lifecycle"] == {"data_retention": "10d"}
    # Without it the built-in policy, which never deletes, would win.
    assert template["settings"]["index.lifecycle.prefer_ilm"] is False
    assert template["settings"]["index.number_of_replicas"] == 0
    script = files[f"{SETUP}/setup.sh"]
    assert "PUT /_component_template/logs@custom" in script
    assert "PUT '/_data_stream/logs-*-*/_lifecycle'" in script
    # The condition of a change to what is there is written as the template's own file is.
    (condition,) = re.findall(r"grep -q '(.+)' /setup/template_logs_custom.json", script)
    assert re.search(condition, files[f"{SETUP}/template_logs_custom.json"])
    assert "PUT '/logs-*-*/_settings'" in script


def test_the_data_view_covers_every_stream(files: dict[str, str]) -> None:
    request = body(files, f"{KIBANA}/data_view.json")
    assert request.keys() == {"data_view", "override"}
    assert request["override"] is True
    assert request["data_view"]["title"] == "logs-*-*"
    assert request["data_view"]["timeFieldName"] == "@timestamp"
    default = body(files, f"{KIBANA}/default_data_view.json")
    assert default == {"data_view_id": request["data_view"]["id"]}


def test_the_saved_search_is_one_line_and_uses_the_view(files: dict[str, str]) -> None:
    (line,) = files[f"{KIBANA}/logs_search.ndjson"].splitlines()
    search = json.loads(line)
    (reference,) = search["references"]
    assert reference["id"] == body(files, f"{KIBANA}/data_view.json")["data_view"]["id"]
    source = json.loads(search["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])
    assert source["indexRefName"] == reference["name"]


@pytest.mark.parametrize("path", [f"{SETUP}/setup.sh", f"{KIBANA}/setup.sh"])
def test_passwords_are_never_arguments(files: dict[str, str], path: str) -> None:
    script = files[path]
    assert '--config "$credentials"' in script
    assert not re.search(r"curl[^|]*(-u|--user)\b", script)
    assert "kbn-xsrf: true" in script or path.startswith("elasticsearch")  # fmt: skip
