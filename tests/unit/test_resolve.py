"""Project and catalogue become the Stack, and contradictions become located problems."""

import json
import subprocess
from pathlib import Path

import pytest

from obsctl.project.quantities import Duration
from obsctl.stack.elasticsearch import elastic_duration
from obsctl.stack.images import mirrored
from obsctl.stack.model import Service
from tests.unit.stacks import refused, resolved, service

SEED = """\
services:
  backend: { kind: express, targets: ['localhost:3000'] }
  redis: { kind: redis, address: 'localhost:6379' }
  host: { kind: node }
probes: ['https://erp.example.com/health', 'http://localhost:8080/up']
"""
KIBANA = {"kibana", "kibana-setup"}
ELK = {
    "elasticsearch", "elasticsearch-exporter", "elasticsearch-setup", "logstash",
    "logstash-exporter",
}  # fmt: skip
MONGODB = """\
services:
  db:
    kind: mongodb
    address: 10.0.0.5:27017
    credentials: { user: exporter, password: { secret: mongodb_password } }
"""


def names(services: tuple[Service, ...]) -> list[str]:
    return [one.name for one in services]


def test_every_component_is_a_service(tmp_path: Path) -> None:
    assert names(resolved(tmp_path, SEED).services) == [
        "prometheus",
        "alertmanager",
        "grafana",
        "blackbox-exporter",
        "redis-exporter",
        "host-exporter",
        "elasticsearch",
        "elasticsearch-setup",
        "logstash",
        "elasticsearch-exporter",
        "logstash-exporter",
        "kibana",
        "kibana-setup",
    ]


@pytest.mark.parametrize(
    ("without", "gone"),
    [
        ("elk", ELK | KIBANA),
        ("kibana", KIBANA),
        ("grafana", {"grafana"}),
    ],
)
def test_parts_can_be_left_out(tmp_path: Path, without: str, gone: set[str]) -> None:
    everything = set(names(resolved(tmp_path).services))
    stack = resolved(tmp_path, f"stack: {{ without: [{without}] }}\n")
    assert everything - set(names(stack.services)) == gone


def test_without_grafana_nothing_speaks_of_it(tmp_path: Path) -> None:
    stack = resolved(tmp_path, "stack: { without: [grafana] }\n")
    assert stack.datasources == ()
    assert stack.dashboards == ()
    assert "grafana" not in [job.name for job in stack.scrape_jobs]
    assert "grafana_admin_password" not in stack.secrets
    assert "grafana_reader_password" not in stack.secrets


def test_services_are_scraped_under_their_own_names(tmp_path: Path) -> None:
    jobs = {job.name: job for job in resolved(tmp_path, SEED).scrape_jobs}
    assert jobs["backend"].targets == ("host.docker.internal:3000",)
    assert jobs["redis"].targets == ("redis-exporter:9121",)
    assert jobs["host"].targets == ("host-exporter:9100",)
    assert jobs["probe"].targets == (
        "https://erp.example.com/health",
        "http://host.docker.internal:8080/up",
    )
    assert jobs["backend"].labels == {
        "service": "backend",
        "system": "demo",
        "environment": "production",
    }


def test_exporters_ask_the_docker_host_for_localhost(tmp_path: Path) -> None:
    exporter = service(resolved(tmp_path, SEED), "redis-exporter")
    assert exporter.environment["REDIS_ADDR"] == "redis://host.docker.internal:6379"
    assert exporter.host_gateway
    assert exporter.entrypoint == ()
    assert exporter.secrets == ()


def test_a_changed_retention_changes_prometheus_alone(tmp_path: Path) -> None:
    before = resolved(tmp_path).services
    after = resolved(tmp_path, "stack: { prometheus: { retention: 30d } }\n").services
    assert [one.name for one in after if one not in before] == ["prometheus"]


def test_the_scratch_image_is_lent_a_shell_for_its_password(tmp_path: Path) -> None:
    stack = resolved(tmp_path, MONGODB)
    exporter = service(stack, "db-exporter")
    assert exporter.entrypoint[:2] == ("/shell/busybox", "sh")
    assert "MONGODB_PASSWORD" not in exporter.environment
    assert exporter.secrets == ("mongodb_password",)
    assert exporter.healthcheck is not None
    assert [one.service for one in exporter.depends_on] == ["exporter-shell"]
    assert service(stack, "exporter-shell").one_shot


def test_a_wrapper_hands_the_password_over_as_it_is(tmp_path: Path) -> None:
    """The script of the container, run here, with its paths led to this directory."""
    value = "a\"b\\c $HOME %s `x` 'q'"
    (tmp_path / "redis_password").write_text(value, encoding="utf-8")
    text = SEED.replace(
        "'localhost:6379' }",
        "'localhost:6379', credentials: { user: scraper, password: { secret: redis_password } } }",
    )
    exporter = service(resolved(tmp_path, text), "redis-exporter")
    script = exporter.entrypoint[2].replace("/run/secrets", str(tmp_path))
    script = script.replace(exporter.environment["REDIS_PASSWORD_FILE"], f"{tmp_path}/made.json")
    script = script.replace("'/redis_exporter'", "echo")
    subprocess.run(["/bin/sh", "-ec", script, "x", "--flag"], check=True, capture_output=True)
    assert json.loads((tmp_path / "made.json").read_text(encoding="utf-8")) == {
        "redis://host.docker.internal:6379": value,
        "redis://scraper@host.docker.internal:6379": value,
    }


def test_no_secret_is_named_in_an_environment(tmp_path: Path) -> None:
    for one in resolved(tmp_path, MONGODB).services:
        for key, value in one.environment.items():
            is_secret = any(word in key for word in ("PASSWORD", "SECRET", "TOKEN"))
            assert not is_secret or key.endswith("_FILE"), (one.name, key, value)


def test_routes_name_all_receivers_of_a_severity(tmp_path: Path) -> None:
    stack = resolved(
        tmp_path,
        """\
notifications:
  receivers:
    ops: { webhook: { url: 'http://localhost:8080/hook' } }
    pager: { email: { to: a@example.com, from: b@example.com, smarthost: 'localhost:25' } }
  routes: { critical: [pager, ops], warning: [ops] }
""",
    )
    routes = {route.matchers[0]: route.receivers for route in stack.alerting.routes}
    assert routes == {
        'alertname = "Watchdog"': ("null",),
        'severity = "critical"': ("pager", "ops"),
        'severity = "warning"': ("ops",),
        'severity = "info"': ("null",),
    }
    configs = {one.name: one.integrations for one in stack.alerting.receivers}
    assert configs["ops"][0].config["url"] == "http://host.docker.internal:8080/hook"
    assert configs["pager"][0].config["smarthost"] == "host.docker.internal:25"


def test_a_mirror_takes_the_place_of_the_registry(tmp_path: Path) -> None:
    stack = resolved(
        tmp_path,
        "stack: { images: { registry: reg.example.com/m, grafana: 'my/grafana:1' } }\n",
    )
    assert service(stack, "prometheus").image.startswith("reg.example.com/m/prom/prometheus:")
    assert service(stack, "kibana").image.startswith("reg.example.com/m/kibana/kibana:")
    assert service(stack, "grafana").image == "my/grafana:1"


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("prom/prometheus:v3", "m.example/x/prom/prometheus:v3"),
        ("busybox:1", "m.example/x/busybox:1"),
        ("quay.io/prometheus/node-exporter:v1", "m.example/x/prometheus/node-exporter:v1"),
        ("localhost:5000/a:1", "m.example/x/a:1"),
    ],
)
def test_mirrored_names(image: str, expected: str) -> None:
    assert mirrored(image, "m.example/x") == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [("2w", "14d"), ("1d12h", "36h"), ("90m", "90m"), ("1y", "365d"), ("1500ms", "1500ms")],
)
def test_retention_in_elasticsearch_s_spelling(given: str, expected: str) -> None:
    assert elastic_duration(Duration(given)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "services:\n  a: { kind: expres, targets: ['h:1'] }\n",
            ["4:14 unknown kind `expres`"],
            id="an unknown kind",
        ),
        pytest.param(
            "services:\n  a: { kind: target, targets: ['h:1'] }\n",
            ["4:14 unknown kind `target`"],
            id="the catalogue's own entry is no kind",
        ),
        pytest.param(
            "services:\n  a: { kind: probe, targets: ['h:1'] }\nprobes: ['http://h:1/']\n",
            ["4:14 unknown kind `probe`"],
            id="what is probed is no service",
        ),
        pytest.param(
            "services:\n  a: { kind: express }\n",
            ["4:3 kind `express` needs `targets`"],
            id="no targets",
        ),
        pytest.param(
            "services:\n  a: { kind: express, address: 'h:1' }\n",
            ["4:23 kind `express` serves its metrics itself and takes no `address`"],
            id="an address for an app",
        ),
        pytest.param(
            "services:\n  a: { kind: redis }\n",
            ["4:3 kind `redis` needs an `address`"],
            id="no address",
        ),
        pytest.param(
            "services:\n  a: { kind: redis, targets: ['h:6379'] }\n",
            ["4:21 kind `redis` is scraped through an exporter of the stack"],
            id="targets for a database",
        ),
        pytest.param(
            "services:\n  a: { kind: node, address: 'h:9100' }\n",
            ["4:20 kind `node` watches the Docker host and takes no `address`"],
            id="an address for the host",
        ),
        pytest.param(
            "services:\n  a: { kind: node, credentials: { user: u, password: { secret: s } } }\n",
            ["4:20 kind `node` takes no credentials"],
            id="credentials for nobody",
        ),
        pytest.param(
            "services:\n  grafana: { kind: express, targets: ['h:1'] }\n",
            ["4:3 `grafana` is the name of part of the stack itself"],
            id="a name of the stack",
        ),
        pytest.param(
            "services:\n  a: { kind: redis, address: 'h:1' }\n"
            "  a-exporter: { kind: express, targets: ['h:1'] }\n",
            ["5:3 `a-exporter` is the name of the exporter of `a`"],
            id="a name of an exporter",
        ),
        pytest.param(
            "stack: { images: { promtheus: 'a:1' } }\n",
            ["3:20 unknown image `promtheus` in `stack.images`"],
            id="an unknown image",
        ),
        pytest.param(
            "stack: { images: { prometheus: prom/prometheus } }\n",
            ["3:32 `prom/prometheus` is no image with a tag or digest"],
            id="an image without a version",
        ),
        pytest.param(
            "stack: { grafana: { port: 9090 } }\n",
            ["3:27 port 9090 of grafana is taken by prometheus"],
            id="two ports of the stack",
        ),
        pytest.param(
            "services:\n  a: { kind: express, targets: ['localhost:3001'] }\n",
            ["4:33 port 3001 of service `a` is taken by grafana"],
            id="a default port and an app",
        ),
        pytest.param(
            "logs: { inputs: { tcp: { port: 9200 } } }\n",
            ["3:32 port 9200 of the tcp log input is taken by elasticsearch"],
            id="a log input and a component",
        ),
        pytest.param(
            "logs: { retention: 1d }\nstack: { without: [elk], kibana: { port: 1 } }\n",
            [
                "3:1 `logs` is set, but there is nothing to hold them",
                "4:26 `kibana` is set, but left out of the stack",
            ],
            id="settings of what is left out",
        ),
        pytest.param(
            "dashboards: ['*.json']\nstack: { without: [grafana] }\n",
            ["3:1 `dashboards` is set, but there is no Grafana to show them"],
            id="dashboards without Grafana",
        ),
        pytest.param(
            "notifications: { receivers: { a: { webhook: { url: 'http://h/' } } } }\n",
            ["3:31 receiver `a` is on no route"],
            id="a receiver that nothing reaches",
        ),
        pytest.param(
            "stack: { elasticsearch: { memory: 100MiB } }\n",
            ["3:35 100MiB is too little for elasticsearch; it needs at least 512MiB"],
            id="too little memory",
        ),
        pytest.param(
            "patches: { prometheus/promtheus.yml: { a: 1 } }\n",
            ["3:12 `prometheus/promtheus.yml` is no YAML or JSON file of the stack"],
            id="a patch on nothing",
        ),
    ],
)
def test_contradictions_are_located(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert refused(tmp_path, text) == expected


def test_all_problems_in_one_run(tmp_path: Path) -> None:
    text = """\
services:
  kibana: { kind: nod }
  a: { kind: express }
stack: { images: { x: 'a:1' }, grafana: { port: 9093 } }
"""
    assert [line.split()[0] for line in refused(tmp_path, text)] == [
        "4:3",
        "4:19",
        "5:3",
        "6:20",
        "6:49",
    ]


def test_a_log_input_of_another_protocol_is_no_clash(tmp_path: Path) -> None:
    text = "logs: { inputs: { tcp: { port: 12201 }, gelf: {} } }\n"
    assert refused(tmp_path, text) == []
