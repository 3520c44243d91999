"""What is checked in-process, and that what could not run is said."""

import stat
from pathlib import Path, PurePosixPath

import pytest

from obsctl.errors import RenderError
from obsctl.render.rendered import RenderedFile
from obsctl.render.verify import Verification, raise_on_problems, verify
from tests.unit.stacks import rendered

STACK = Path("stack")


def files(texts: dict[str, str]) -> list[RenderedFile]:
    return [RenderedFile(PurePosixPath(path), text) for path, text in texts.items()]


@pytest.fixture(autouse=True)
def _no_tools(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


def verified(directory: Path, path: str, old: str, new: str) -> Verification:
    """Verify a minimal stack in which one text was replaced."""
    texts = rendered(directory, "services: { app: { kind: express, targets: ['h:1'] } }\n")
    assert old in texts[path]
    return verify(files({**texts, path: texts[path].replace(old, new)}), STACK)


def test_a_good_stack_has_no_problems_and_says_what_did_not_run(tmp_path: Path) -> None:
    result = verify(files(rendered(tmp_path)), STACK)
    raise_on_problems(result)
    names = ("promtool", "amtool", "docker compose")
    assert result.missed == tuple(f"{name} is not on PATH" for name in names)


@pytest.mark.parametrize("target", ["h:99999", "a:b:c", "exa mple:80", "::1:9100", "http://h:1"])
def test_targets_that_promtool_takes(tmp_path: Path, target: str) -> None:
    result = verified(tmp_path, "prometheus/prometheus.yml", "- h:1\n", f"- '{target}'\n")
    (problem,) = result.problems
    assert problem.message.startswith(f"target `{target}` of job `app`")
    assert problem.location is not None
    assert problem.location.path == STACK / "prometheus/prometheus.yml"
    assert problem.location.line > 1


def test_expressions_are_parsed(tmp_path: Path) -> None:
    result = verified(tmp_path, "prometheus/alert_rules.yml", "expr: vector(1)", "expr: vector(1")
    assert [problem.message.split(":")[0] for problem in result.problems] == [
        "expression of `Watchdog` is no PromQL"
    ]
    with pytest.raises(RenderError):
        raise_on_problems(result)


@pytest.mark.parametrize(
    "named",
    [
        '"datasource": {"type": "prometheus", "uid": "none"}',
        '"datasource" :\n {"uid":"none"}',
        '"datasource": {"type": "}", "uid": "none"}',
        '"datasource": "none"',
        '"datasource": {"nested": {"uid": "x"}, "uid": "none"}',
        r'"data\u0073ource": "none"',
        r'"datasource": "n\u006fne"',
    ],
)
def test_datasources_in_any_layout(tmp_path: Path, named: str) -> None:
    path = "grafana/dashboards/obsctl-home.json"
    result = verified(tmp_path, path, '"panels": [', f'"own": {{{named}}}, "panels": [')
    assert [str(problem.message) for problem in result.problems] == [
        "datasource `none` of dashboard `obsctl-home` does not exist"
    ]


def test_variables_are_no_datasources_of_their_own(tmp_path: Path) -> None:
    path = "grafana/dashboards/obsctl-home.json"
    named = '"datasource": {"uid": "${ds}"}, "a": {"datasource": "$ds", "uid": "none"}'
    assert verified(tmp_path, path, '"panels": [', f'{named}, "panels": [').problems == ()


def test_datasources_exist(tmp_path: Path) -> None:
    home = "grafana/dashboards/obsctl-home.json"
    result = verified(tmp_path, home, '"obsctl-prometheus"', '"DS_PROMETHEUS"')
    assert [problem.message for problem in result.problems] == [
        "datasource `DS_PROMETHEUS` of dashboard `obsctl-home` does not exist"
    ]


def test_a_tool_s_complaint_is_a_located_problem(tmp_path: Path) -> None:
    texts = rendered(tmp_path)
    amtool = tmp_path / "bin/amtool"
    amtool.parent.mkdir()
    amtool.write_text('#!/bin/sh\necho "bad route at line 7 of $2" >&2\nexit 1\n', encoding="utf-8")
    amtool.chmod(amtool.stat().st_mode | stat.S_IXUSR)
    (problem,) = verify(files(texts), STACK).problems
    assert problem.message == (
        "amtool check-config alertmanager/alertmanager.yml: "
        "bad route at line 7 of alertmanager/alertmanager.yml"
    )
    assert str(problem.location) == "stack/alertmanager/alertmanager.yml:7:1"


def test_a_tool_that_was_killed_has_no_complaint(tmp_path: Path) -> None:
    """As by ^C in its terminal, or for lack of memory."""
    tool = tmp_path / "bin" / "amtool"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\nkill -INT $$\n")
    tool.chmod(0o755)
    result = verify(files(rendered(tmp_path)), STACK)
    raise_on_problems(result)
    assert any(" was ended by SIGINT" in one for one in result.missed)
