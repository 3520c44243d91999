"""`obsctl plan` on a running project: what changes in words, and not one mutating call."""

import hashlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.project import ProjectUnderTest, Result, clean_environment
from tests.engine.proxy import proxied
from tests.engine.small_stack import Kit
from tests.kit.images import stack_images
from tests.kit.tools import tool_environment

SERVICES = '  backend: {{ kind: express, targets: ["localhost:{}"] }}\n'
ALERTS = """\
slo:
  backend: {{ availability: 99.9%, latency: {{ under: {}, ratio: 95% }} }}
alerts:
  HighLatency: {{ warning: {} }}
  HighErrorRate: {{ warning: 5%, for: {} }}"""


@pytest.fixture
def project(kit: Kit, tmp_path: Path) -> Iterator[ProjectUnderTest]:
    environment = clean_environment(tool_environment()) | {"DOCKER_HOST": kit.docker_host}
    under_test = ProjectUnderTest(tmp_path, "obsctl-plan", stack_images(), environment)
    under_test.write(SERVICES.format(3999), more=ALERTS.format("2s", "2s", "5m"))
    yield under_test
    assert under_test.obsctl("down", "--volumes").code == 0


def tree(folder: Path) -> dict[str, str]:
    """Every file of the project by its content; the lock and logs too."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_plan_tells_and_changes_nothing(
    project: ProjectUnderTest, kit: Kit, short_path: Path
) -> None:
    def plan(*options: str, command: str = "plan") -> Result:
        before = tree(project.folder)
        with proxied(short_path / "s", kit.docker_host) as proxy:
            environment = {"DOCKER_HOST": proxy.docker_host}
            done = project.obsctl(command, *options, environment=environment)
            assert proxy.calls == []
        assert tree(project.folder) == before
        return done

    first = plan("--exit-code")
    assert first.code == 1
    assert "create prometheus" in first.stdout
    assert project.obsctl("up").code == 0
    quiet = plan("--exit-code")
    assert (quiet.code, quiet.stdout.strip()) == (
        0,
        "nothing to do: what runs is what the project file asks for",
    )
    more = SERVICES.format(3999) + '  shop: { kind: express, targets: ["localhost:3998"] }\n'
    project.write(more, more=ALERTS.format("1s", "1s", "3m"))
    changed = plan("--exit-code")
    assert changed.code == 1
    for words in (
        "adds 1 target: shop host.docker.internal:3998",
        "HighLatency (backend, warning): 2s -> 1s",
        "HighErrorRate (backend, warning): for 5m -> 3m",
        "prometheus reloads, and keeps running",
        "LatencyBudgetBurn (backend, warning): 2s -> 1s",
        "prometheus/ 4",
        "reload prometheus",
    ):
        assert words in changed.stdout, changed.stdout
    data = json.loads(plan("--json").stdout)
    assert "adds 1 target: shop host.docker.internal:3998" in data["summary"]
    assert {one["action"] for one in data["operations"]} == {"reload"}
    assert project.obsctl("up").code == 0
    assert plan("--exit-code").code == 0
    assert plan("--dry-run", command="up").stdout == plan().stdout
    config = project.folder / "stack" / "prometheus" / "prometheus.yml"
    config.write_text(config.read_text() + "# edited\n")
    assert "warning: `prometheus/prometheus.yml` was edited by hand" in plan().stderr
    refused = project.obsctl("up")
    assert (refused.code, "obsctl render --force" in refused.stderr) == (4, True), refused.text


OWED = """\
notifications:
  receivers:
    ops: { webhook: { url_secret: { secret: ops_hook } } }
  routes: { critical: [ops] }"""


def test_plan_tells_what_would_stop_up(
    project: ProjectUnderTest, kit: Kit, short_path: Path
) -> None:
    def seen(*arguments: str) -> Result:
        before = tree(project.folder)
        with proxied(short_path / "s", kit.docker_host) as proxy:
            done = project.obsctl(*arguments, environment={"DOCKER_HOST": proxy.docker_host})
            assert proxy.calls == []
        assert tree(project.folder) == before
        return done

    gone = "localhost:1/obsctl-none:1"
    project.images = {**project.images, "alertmanager": gone}
    stack = "  without: [ elk, grafana ]\n  web: {}"
    project.write(SERVICES.format(3999), more=OWED, stack=stack)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", project.ports["prometheus"]))
        taken.listen()
        planned = seen("plan")
        dry = seen("up", "--dry-run", "--frozen")
        data = json.loads(seen("plan", "--json").stdout)
    assert planned.code == 0, planned.text
    assert "make secrets/web_password" in planned.stdout
    assert f"pull {gone}" in planned.stdout
    for words in ("ops_hook` is missing", "is in use", gone, "obsctl.yaml:", "hint: "):
        assert words in planned.stderr, planned.stderr
    assert "warning: " in planned.stderr
    assert "error: " not in planned.stderr
    assert (dry.code, dry.stdout) == (0, planned.stdout)
    assert "is stale" in dry.stderr
    assert data["secrets"] == {"make": ["web_password"], "fetch": []}
    assert data["pulls"] == [gone]
    messages = "\n".join(one["message"] for one in data["obstacles"])
    assert all(words in messages for words in ("ops_hook", "is in use", gone)), messages
    assert all(one["hint"] for one in data["obstacles"])
