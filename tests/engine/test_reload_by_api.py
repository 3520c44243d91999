"""Grafana, Logstash and the blackbox exporter take changed files, and it is read back from them."""

import base64
import json
import os
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.small_files import bind, check, put, service
from tests.engine.small_stack import Done, Kit, Project, eventually
from tests.engine.test_up import assert_up_is_quiet, ids, up
from tests.kit.images import ensure_images
from tests.kit.ports import free_ports

IMAGES = ("grafana", "logstash", "blackbox-exporter")
SOURCE = "grafana/provisioning/datasources/sources.yml"
BOARD = "grafana/dashboards/board.json"
PIPELINE = "logstash/pipeline/logstash.conf"
MODULES = "blackbox/blackbox.yml"


def sources(url: str = "http://prometheus:9090", more: str = "") -> str:
    return (
        "apiVersion: 1\nprune: true\ndatasources:\n"
        f"- {{name: P, uid: p, type: prometheus, access: proxy, url: '{url}', isDefault: true}}\n"
        + more
    )


def board(expr: str, title: str = "Board") -> str:
    panel = {"title": "Up", "type": "stat", "targets": [{"refId": "A", "expr": expr}]}
    return json.dumps({"uid": "board", "title": title, "panels": [panel]})


def pipeline(tag: str) -> str:
    return (
        'input { tcp { id => "in" port => 5000 codec => json_lines } }\n'
        f'filter {{ mutate {{\n id => "{tag}"\n add_tag => ["{tag}"] }} }}\n'
        'output { stdout { id => "out" } }\n'
    )


def modules(timeout: str, name: str = "http_2xx") -> str:
    return f"modules: {{{name}: {{prober: http, timeout: {timeout}}}}}\n"


FILES = {
    SOURCE: sources(),
    "grafana/provisioning/dashboards/provider.yml": (
        "apiVersion: 1\nproviders:\n- {name: o, folder: O, folderUid: o, type: file,"
        " updateIntervalSeconds: 600, options: {path: /var/lib/boards}}\n"
    ),
    BOARD: board("up"),
    PIPELINE: pipeline("first"),
    MODULES: modules("5s"),
}


def document(project: Project, images: dict[str, str]) -> dict[str, Any]:
    kit = Project(Kit("", images, Path()), project.name, project.root, {})
    port, kinds = project.ports["grafana"], ("datasources", "dashboards")
    services = {
        "grafana": service(
            kit,
            "grafana",
            environment={"GF_SECURITY_ADMIN_PASSWORD__FILE": "/run/secrets/token"},
            secrets=["token"],
            volumes=[
                bind("grafana/provisioning", "/etc/grafana/provisioning"),
                bind("grafana/dashboards", "/var/lib/boards"),
            ],
            tmpfs=["/var/lib/grafana:uid=472,gid=0"],
            ports=[{"target": 3000, "published": str(port), "host_ip": "127.0.0.1"}],
            healthcheck=check(["CMD", "wget", "-qO", "/dev/null", "http://127.0.0.1:3000/api/health"]),
        ),
        "logstash": service(
            kit,
            "logstash",
            read_only=False,
            environment={"CONFIG_RELOAD_AUTOMATIC": "true", "CONFIG_RELOAD_INTERVAL": "1s"},
            volumes=[bind("logstash/pipeline", "/usr/share/logstash/pipeline")],
            healthcheck=check(["CMD", "curl", "-fs", "http://127.0.0.1:9600/"]),
        ),
        "blackbox-exporter": service(
            kit,
            "blackbox-exporter",
            command=["--config.file=/etc/blackbox_exporter/blackbox.yml"],
            volumes=[bind("blackbox", "/etc/blackbox_exporter")],
            healthcheck=check(["CMD", "wget", "-qO", "/dev/null", "http://127.0.0.1:9115/-/healthy"]),
        ),
    }  # fmt: skip
    paths = " ".join(f"http:3000/api/admin/provisioning/{kind}/reload" for kind in kinds)
    for name, labels in (
        ("grafana", (paths, "grafana/provisioning,grafana/dashboards", "3000/api/health")),
        ("logstash", ("auto", "logstash/pipeline", "9600/")),
        ("blackbox-exporter", ("http:9115/-/reload", "blackbox", "9115/-/healthy")),
    ):
        keys = ("dev.obsctl.reload", "dev.obsctl.hot", "dev.obsctl.ready")
        services[name]["labels"] |= dict(zip(keys, labels, strict=True))
    networks = {"observability": {"name": f"{project.name}_observability"}}
    secrets = {"token": {"file": "../secrets/token"}}
    return {
        "name": project.name,
        "services": services,
        "networks": networks,
        "secrets": secrets,
    }


@pytest.fixture(scope="module")
def stack(kit: Kit, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    root = tmp_path_factory.mktemp("api") / "project"
    project = Project(kit, f"a{os.getpid()}", root, {"grafana": free_ports(1)[0]})
    for name, text in FILES.items():
        (project.stack / name).parent.mkdir(parents=True, exist_ok=True)
        (project.stack / name).write_text(text)
    (root / "secrets").mkdir()
    (root / "secrets" / "token").write_text("s3cret")
    project.document = document(project, ensure_images(IMAGES))
    project.save()
    try:
        up(project)
        yield project
    finally:
        project.destroy()


@pytest.fixture
def healthy(stack: Project) -> Project:
    """As it was at first, whatever the test before did to it."""
    for name, text in FILES.items():
        put(stack.stack / name, text)
    up(stack)
    return stack


def grafana(project: Project, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
    login = base64.b64encode(b"admin:s3cret").decode()
    data = None if body is None else json.dumps(body).encode()
    url = f"http://127.0.0.1:{project.ports['grafana']}{path}"
    request = urllib.request.Request(url, data, {"Authorization": f"Basic {login}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def inside(project: Project, name: str, url: str) -> str:
    tool = ["curl", "-s"] if name == "logstash" else ["wget", "-qO-"]
    return project.docker("exec", f"{project.name}-{name}-1", *tool, url)


def plugins(project: Project) -> str:
    return inside(project, "logstash", "http://127.0.0.1:9600/_node/stats/pipelines")


def refused(project: Project, *words: str) -> Done:
    done = project.up()
    assert done.code == 5, done
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr, done
    return done


def test_what_changed_is_loaded_when_up_ends(healthy: Project, short_path: Path) -> None:
    before = ids(healthy)
    put(healthy.stack / SOURCE, sources("http://elsewhere:9090"))
    put(healthy.stack / BOARD, board("up == 1"))
    put(healthy.stack / PIPELINE, pipeline("second"))
    put(healthy.stack / MODULES, modules("7s"))
    done = up(healthy)
    for name in ("grafana", "logstash", "blackbox-exporter"):
        assert f"reload {name}" in done.stdout
    assert done.stderr.count("read back as written") == 3, done
    assert ids(healthy) == before
    assert grafana(healthy, "/api/datasources/uid/p")["url"] == "http://elsewhere:9090"
    panels = grafana(healthy, "/api/dashboards/uid/board")["dashboard"]["panels"]
    assert panels[0]["targets"][0]["expr"] == "up == 1"
    assert '"second"' in plugins(healthy)
    config = inside(healthy, "blackbox-exporter", "http://127.0.0.1:9115/config")
    assert "timeout: 7s" in config
    assert_up_is_quiet(healthy, short_path)


def test_what_logstash_refuses_is_put_back(healthy: Project, short_path: Path) -> None:
    put(healthy.stack / PIPELINE, pipeline("third").replace("mutate {", "mutate"))
    refused(healthy, "`logstash` refused its changed configuration: pipeline `main`",
            "the last good files of `logstash` are back")  # fmt: skip
    assert (healthy.stack / PIPELINE).read_text() == pipeline("first")
    assert '"first"' in plugins(healthy)
    assert_up_is_quiet(healthy, short_path)


def test_what_grafana_refuses_is_put_back(healthy: Project, short_path: Path) -> None:
    second = "- {name: Q, uid: q, type: prometheus, access: proxy, isDefault: true}\n"
    put(healthy.stack / SOURCE, sources(more=second))
    refused(healthy, "HTTP 500", "Only one datasource", "last good files of `grafana` are back")
    assert (healthy.stack / SOURCE).read_text() == sources()
    assert [one["uid"] for one in grafana(healthy, "/api/datasources")] == ["p"]
    assert_up_is_quiet(healthy, short_path)


def test_a_reload_of_grafana_without_effect_is_no_reload(healthy: Project) -> None:
    """It answers 200, and has what it had."""
    fault = "/__standin__/fault"
    grafana(healthy, fault, {"faults": ["deaf"]})
    try:
        put(healthy.stack / SOURCE, sources("http://elsewhere:9090"))
        refused(healthy, "the datasource is not loaded: `P.url`", "are back, and it has loaded")
        assert (healthy.stack / SOURCE).read_text() == sources()
    finally:
        grafana(healthy, fault, {"faults": []})


def test_a_password_that_grafana_does_not_take_is_told(healthy: Project) -> None:
    grafana(healthy, "/__standin__/fault", {"faults": ["refuse-password"]})
    put(healthy.stack / BOARD, board("up == 2"))
    refused(healthy, "HTTP 401", "does not accept the password in secrets/")
    grafana(healthy, "/__standin__/fault", {"faults": []})


def test_what_the_exporter_refuses_is_never_loaded(healthy: Project) -> None:
    put(healthy.stack / MODULES, "modules: {http_2xx: {prober: http, timeut: 5s}}\n")
    refused(healthy, "`blackbox-exporter` refused its changed configuration", "timeut")
    put(healthy.stack / MODULES, modules("5s", name="other"))
    up(healthy)
    eventually(lambda: "other" in inside(healthy, "blackbox-exporter", "127.0.0.1:9115/config"))
