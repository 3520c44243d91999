"""The compose document: hardening, `$`, and what the spec hash covers."""

from pathlib import Path
from typing import Any

import pytest

from obsctl.conventions import LABEL_HOT, LABEL_SPEC_HASH
from obsctl.project.plain_yaml import load_plain
from tests.unit.stacks import rendered

WIDE = """\
services:
  db:
    kind: mongodb
    address: localhost:27017
    credentials: { user: u, password: { secret: db_password } }
  host: { kind: node }
probes: ['https://example.com']
logs: { inputs: { tcp: {}, gelf: {} } }
"""


def compose(directory: Path, text: str = WIDE) -> Any:  # noqa: ANN401 - parsed YAML
    return load_plain(rendered(directory, text)["docker-compose.yml"])


def hashes(directory: Path, text: str) -> dict[str, str]:
    services = compose(directory, text)["services"]
    return {name: one["labels"][LABEL_SPEC_HASH] for name, one in services.items()}


def changed(directory: Path, before: str, after: str) -> set[str]:
    old, new = hashes(directory, before), hashes(directory, after)
    return {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}


def test_every_service_is_hardened(tmp_path: Path) -> None:
    for name, one in compose(tmp_path)["services"].items():
        assert one["cap_drop"] == ["ALL"], name
        assert one["security_opt"] == ["no-new-privileges:true"], name
        assert one["user"].split(":")[0] not in {"0", "root"}, name
        assert one["mem_limit"] == one["memswap_limit"] > 0, name
        assert 0 < one["cpus"] <= 1, "the Engine refuses more CPUs than the host has"
        assert one["pids_limit"] > 0, name
        assert one["init"] is True, name
        assert one["networks"] == ["observability"], name
        assert one["read_only"] is True, name
        assert one["logging"]["options"] == {"max-size": "10m", "max-file": "3"}, name
        assert ":" in one["image"].rpartition("/")[2], name
        assert "privileged" not in one, name


def test_exceptions_say_why(tmp_path: Path) -> None:
    text = rendered(tmp_path, WIDE)["docker-compose.yml"]
    for name in ("elasticsearch", "host-exporter", "db-exporter", "logstash", "exporter-shell"):
        assert f"\n  # {name}: " in text


def test_ports_are_bound_to_the_chosen_address(tmp_path: Path) -> None:
    bound = compose(tmp_path, "stack: { bind: 10.1.2.3 }\n")["services"].values()
    addresses = {port["host_ip"] for one in bound for port in one.get("ports", ())}
    assert addresses == {"10.1.2.3"}
    ports = compose(tmp_path)["services"]["logstash"]["ports"]
    assert [(port["published"], port["protocol"]) for port in ports] == [
        ("5000", "tcp"),
        ("9600", "tcp"),
        ("12201", "udp"),
    ]


def test_mounts_are_directories_that_are_rendered(tmp_path: Path) -> None:
    files = rendered(tmp_path, WIDE)
    for one in compose(tmp_path)["services"].values():
        for mount in one.get("volumes", ()):
            if mount["type"] == "bind":
                assert mount["bind"] == {"create_host_path": False}
                assert mount["read_only"] is True
                source = mount["source"]
                inside = [path for path in files if path.startswith(source.removeprefix("./"))]
                assert source == "/" or inside


def test_all_secrets_and_volumes_are_defined(tmp_path: Path) -> None:
    document = compose(tmp_path)
    for one in document["services"].values():
        assert set(one.get("secrets", ())) <= document["secrets"].keys()
        volumes = {m["source"] for m in one.get("volumes", ()) if m["type"] == "volume"}
        assert volumes <= document["volumes"].keys()
    assert document["secrets"]["db_password"] == {"file": "../secrets/db_password"}
    assert document["volumes"]["prometheus_data"]["name"] == "demo_prometheus_data"


def test_somebody_waits_for_each_service_that_ends(tmp_path: Path) -> None:
    """Else `docker compose up --wait` takes its end for a failure."""
    services = compose(tmp_path)["services"]
    waits = {
        name
        for one in services.values()
        for name, wait in one.get("depends_on", {}).items()
        if wait["condition"] == "service_completed_successfully"
    }
    ending = {name for name, one in services.items() if one["restart"] == "no"}
    assert waits == ending
    assert "kibana-setup" in ending


def test_dollars_are_doubled_and_come_back(tmp_path: Path) -> None:
    entrypoint = compose(tmp_path)["services"]["db-exporter"]["entrypoint"]
    assert "$" in entrypoint[3]
    assert "$" not in entrypoint[3].replace("$$", "")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param("", "stack: { prometheus: { retention: 9d } }\n", {"prometheus"}, id="a flag"),
        pytest.param(
            "logs: { retention: 3d }\n", "logs: { retention: 4d }\n", {"elasticsearch-setup"},
            id="a file that is read at start",
        ),
        pytest.param(
            "", "services: { a: { kind: express, targets: ['h:1'] } }\n", set(),
            id="files that are reloaded",
        ),
        pytest.param(
            "", "notifications: { grouping: { wait: 5s } }\n", set(), id="routes are reloaded"
        ),
        pytest.param(
            "", "stack: { without: [kibana] }\n",
            {"kibana", "kibana-setup", "elasticsearch-setup", "logstash-exporter"},
            id="a part left out",
        ),
        pytest.param(
            "", "patches: { docker-compose.yml: { services: { grafana: { cpus: 0.5 } } } }\n",
            {"grafana"}, id="a patch",
        ),
        pytest.param(
            "", "patches: { docker-compose.yml: { services: { extra: { image: 'a:1' } } } }\n",
            {"extra"}, id="a service added by a patch",
        ),
        pytest.param(
            "", "patches: { logstash/config/logstash.yml: { log.level: debug } }\n",
            {"logstash"}, id="a patch of a file that is read at start",
        ),
    ],
)  # fmt: skip
def test_the_spec_hash_changes_for_whom_it_concerns(
    tmp_path: Path, before: str, after: str, expected: set[str]
) -> None:
    assert changed(tmp_path, before, after) == expected


def test_hot_directories_are_named(tmp_path: Path) -> None:
    services = compose(tmp_path)["services"]
    hot = {name: one["labels"].get(LABEL_HOT) for name, one in services.items()}
    assert {name: value for name, value in hot.items() if value} == {
        "prometheus": "prometheus",
        "alertmanager": "alertmanager",
        "blackbox-exporter": "blackbox",
        "grafana": "grafana/provisioning,grafana/dashboards",
        "logstash": "logstash/pipeline",
    }


def test_the_project_s_own_compose_template_is_hashed_as_it_reads(tmp_path: Path) -> None:
    before = hashes(tmp_path, "")
    built_in = Path(__file__).parents[2] / "templates" / "docker-compose.yml.j2"
    (tmp_path / "templates").mkdir()
    own = built_in.read_text("utf-8").replace(
        "[[ {name: service} | block(2) ]]",
        "[[ {name: service} | block(2) ]]\n    hostname: [[ name | yaml ]]",
    )
    (tmp_path / "templates" / "docker-compose.yml.j2").write_text(own, encoding="utf-8")
    after = hashes(tmp_path, "")
    assert all(before[name] != after[name] for name in before)
    assert after == hashes(tmp_path, "")
