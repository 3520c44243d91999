"""Upstream's own checkers accept every golden, and amtool routes alerts as asked."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from obsctl.project.load import load_project
from tests.golden.cases import CASES, NAMES
from tests.tiers import unavailable

TOOLS = ("promtool", "amtool", "docker-compose")
DEADLINE_S = 300


@pytest.fixture(scope="session")
def environment() -> Mapping[str, str]:
    """PATH and more, with the tools on it: this machine's, else the kit's."""
    if all(shutil.which(tool) for tool in TOOLS):
        return os.environ
    from tests.kit.host import KitUnavailable
    from tests.kit.tools import tool_environment

    try:
        return {**os.environ, **tool_environment()}
    except (KitUnavailable, OSError) as error:
        unavailable("tools", str(error))


def accepts(environment: Mapping[str, str], *command: str) -> str:
    """The tool's output; a failed test where it refuses."""
    result = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=DEADLINE_S
    )
    assert result.returncode == 0, f"{command}:\n{result.stdout}{result.stderr}"
    return result.stdout


def stack(name: str) -> Path:
    return CASES / name / "stack"


@pytest.mark.parametrize("name", NAMES)
def test_promtool_accepts_the_configuration(environment: Mapping[str, str], name: str) -> None:
    path = stack(name) / "prometheus/prometheus.yml"
    accepts(environment, "promtool", "check", "config", "--lint=all", "--lint-fatal", str(path))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("file", ["alert_rules.yml", "recording_rules.yml"])
def test_promtool_accepts_the_rules(environment: Mapping[str, str], name: str, file: str) -> None:
    path = stack(name) / "prometheus" / file
    accepts(environment, "promtool", "check", "rules", "--lint=all", "--lint-fatal", str(path))


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=f"{path.parents[2].name}-{path.stem}")
        for path in sorted(CASES.glob("*/stack/prometheus/*_test.yml"))
    ],
)
def test_promtool_passes_the_rules_own_tests(environment: Mapping[str, str], path: Path) -> None:
    accepts(environment, "promtool", "test", "rules", str(path))


@pytest.mark.parametrize("name", NAMES)
def test_amtool_accepts_the_configuration_and_its_templates(
    environment: Mapping[str, str], name: str
) -> None:
    path = stack(name) / "alertmanager/alertmanager.yml"
    said = accepts(environment, "amtool", "check-config", str(path))
    assert re.search(r"1 templates", said)


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        ("severity=critical alertname=HighErrorRate", "pager,ops,hooks"),
        ("severity=warning alertname=HighErrorRate", "ops,mail"),
        ("severity=info alertname=UnusualTraffic", "chats"),
        ("severity=none alertname=Watchdog", "deadman"),
        ("severity=critical alertname=Watchdog", "deadman"),
        ("alertname=Anything", "null"),
    ],
)
def test_amtool_routes_by_severity(
    environment: Mapping[str, str], labels: str, receivers: str
) -> None:
    path = stack("seed") / "alertmanager/alertmanager.yml"
    command = ("amtool", "config", "routes", "test", f"--config.file={path}", *labels.split())
    assert accepts(environment, *command).strip() == receivers


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("severity", ["critical", "warning", "info", "none"])
def test_amtool_routes_every_severity_as_the_project_asks(
    environment: Mapping[str, str], name: str, severity: str
) -> None:
    routes = load_project(CASES / name / "obsctl.yaml").project.notifications.routes
    alert, asked = "Some", getattr(routes, severity, ())
    if severity == "none":
        alert, asked = "Watchdog", routes.watchdog
    path = stack(name) / "alertmanager/alertmanager.yml"
    command = ("amtool", "config", "routes", "test", f"--config.file={path}")
    said = accepts(environment, *command, f"severity={severity}", f"alertname={alert}")
    assert said.strip() == ",".join(asked or ("null",))


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("obsctl.title", r"CRITICAL: |WARNING: |FIRING: "),
        ("obsctl.message", r"since: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"),
        ("obsctl.slack.color", r"^(danger|warning|good)$"),
        ("obsctl.pagerduty.severity", r"^(critical|warning|info)$"),
        ("obsctl.opsgenie.priority", r"^P[135]$"),
    ],
)
def test_message_templates_render(
    environment: Mapping[str, str], template: str, expected: str
) -> None:
    glob = stack("seed") / "alertmanager/templates/*.tmpl"
    text = f'{{{{ template "{template}" . }}}}'
    command = ("amtool", "template", "render", f"--template.glob={glob}", f"--template.text={text}")
    said = accepts(environment, *command).strip()
    assert re.search(expected, said, re.MULTILINE), said


@pytest.mark.parametrize("name", NAMES)
def test_compose_accepts_the_file(environment: Mapping[str, str], name: str) -> None:
    path = stack(name) / "docker-compose.yml"
    accepts(environment, "docker-compose", "-f", str(path), "config", "--quiet")


@pytest.mark.parametrize("path", sorted(CASES.glob("*/stack/logstash/pipeline/*.conf")), ids=str)
def test_logstash_s_grammar_accepts_the_pipeline(path: Path) -> None:
    from logstash_pipeline_parser import Pipeline

    text = path.read_text(encoding="utf-8")
    sections = [section[0] for section in Pipeline(text).parse()]
    assert sections == ["input", "filter", "output"]
    plugins = len(re.findall(r"^ +\w+ \{$", text, re.MULTILINE))
    ids = re.findall(r"^ +id => (\"\w+\")$", text, re.MULTILINE)
    assert len(ids) == len(set(ids)) == plugins, "every plugin has an id of its own"


@pytest.mark.parametrize("path", sorted(CASES.glob("*/stack/**/*.sh")), ids=str)
def test_bash_accepts_the_scripts(path: Path) -> None:
    accepts(os.environ, "bash", "-n", str(path))
