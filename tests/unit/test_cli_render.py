"""obsctl render, through main(): exit codes, what goes to stdout, what to stderr."""

import os
from pathlib import Path

import pytest

from obsctl.cli import run

PROJECT = "version: 1\nproject: demo\nstack: { without: [elk, grafana] }\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with a project file in it and no tools on PATH."""
    (tmp_path / "obsctl.yaml").write_text(PROJECT, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path


def test_check_prints_a_diff_and_exits_1_until_it_is_rendered(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["render", "--check"]) == 1
    assert capsys.readouterr().out.startswith("stack/ is not rendered yet: ")
    assert not (project / "stack").exists()
    assert run(["render"]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert (project / "stack/prometheus/prometheus.yml").exists()
    assert "files below stack/: alertmanager/ 2" in said.err
    tools = "promtool is not on PATH; amtool is not on PATH; docker compose is not on PATH"
    assert said.err.startswith(f"checked in part: {tools}\n")
    assert run(["render", "--check"]) == 0
    assert capsys.readouterr().out == ""
    (project / "stack/prometheus/prometheus.yml").unlink()
    assert run(["render", "--check"]) == 1
    assert "+++ b/stack/prometheus/prometheus.yml" in capsys.readouterr().out


def test_a_second_render_writes_nothing(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    run(["render"])
    capsys.readouterr()
    assert run(["render"]) == 0
    assert "wrote" not in capsys.readouterr().err
    (project / "obsctl.yaml").write_text(PROJECT + "probes: ['https://a.example']\n", "utf-8")
    run(["render"])
    (project / "obsctl.yaml").write_text(PROJECT, "utf-8")
    capsys.readouterr()
    assert run(["render"]) == 0
    assert "removed stack/blackbox/blackbox.yml" in capsys.readouterr().err


def test_an_edited_file_is_exit_4_unless_forced(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["render"])
    edited = project / "stack/prometheus/prometheus.yml"
    edited.write_text("by hand\n", encoding="utf-8")
    capsys.readouterr()
    assert run(["render"]) == 4
    assert "was edited by hand" in capsys.readouterr().err
    assert edited.read_text(encoding="utf-8") == "by hand\n"
    assert run(["render", "--force"]) == 0
    assert "scrape_configs" in edited.read_text(encoding="utf-8")


def test_a_wrong_project_file_is_exit_3(project: Path) -> None:
    (project / "obsctl.yaml").write_text(PROJECT + "services: { a: { kind: x } }\n", "utf-8")
    assert run(["render"]) == 3
    assert not (project / "stack").exists()


def test_output_that_a_check_refuses_is_exit_4_and_not_written(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    patch = "patches: { prometheus/prometheus.yml: { scrape_configs: [ { job_name: a, "
    patch += "static_configs: [ { targets: ['h:99999'] } ] } ] } }\n"
    (project / "obsctl.yaml").write_text(PROJECT + patch, encoding="utf-8")
    assert run(["render"]) == 4
    assert "target `h:99999` of job `a`" in capsys.readouterr().err
    assert not (project / "stack").exists()


@pytest.mark.parametrize(
    "command",
    ["validate", "render", "plan", "up", "check", "status", "logs", "down", "alert test X"],
)
def test_an_unreadable_project_file_is_exit_3(
    command: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Typer's own check would refuse it as a wrong command line; root can read every file."""
    (project / "obsctl.yaml").write_text("wrong: [", encoding="utf-8")
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert run(command.split()) == 3
