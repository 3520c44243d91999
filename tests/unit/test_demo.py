"""The demo's own parts: the project that it makes, and the processes that outlive it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from obsctl.cli.pipeline import build
from tests.demo import project
from tests.demo.background import Background

IMAGES = {"grafana": "kit/grafana:1", "prometheus": "kit/prometheus:3.5"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(project, "FOLDER", tmp_path)
    monkeypatch.setattr(project, "FILE", tmp_path / "obsctl.yaml")
    return tmp_path


@pytest.mark.parametrize("story", [True, False])
def test_its_project_is_what_init_writes_and_what_the_story_needs(
    folder: Path, *, story: bool
) -> None:
    assert project.write_project(IMAGES, os.environ, story=story) == ""
    assert project.tells_a_story() is story
    built = build(folder / "obsctl.yaml").loaded.project
    assert ("mongodb" in built.services) is story
    assert (built.errors is not None) is story
    if story:
        assert built.services["backend"].settings["active_users_metric"] == "app_active_users"
        assert built.stack.prometheus.scrape_interval.seconds == 2


def test_a_project_that_is_there_stays_but_for_the_names_of_the_kit_s_images(folder: Path) -> None:
    file = folder / "obsctl.yaml"
    file.write_text("# mine\n    grafana: kit/grafana:0\n    prometheus: prom/prometheus:v3\n")
    assert "is kept as it is" in project.write_project(IMAGES, os.environ, story=True)
    assert file.read_text() == (
        "# mine\n    grafana: kit/grafana:1\n    prometheus: prom/prometheus:v3\n"
    )


def test_only_its_own_processes_are_ended(tmp_path: Path) -> None:
    running = Background(tmp_path / "running.json")
    sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
    with subprocess.Popen(sleeper) as mine, subprocess.Popen(sleeper) as other:
        try:
            running.note(mine.pid)
            # The id of a process that is gone, which another one has been given since.
            noted = running.file.read_text()
            running.file.write_text(noted.replace("]]", f'], [{other.pid}, "1"]]'))
            assert running.end_all() == 1
            assert mine.wait(10) < 0
            assert other.poll() is None
            assert running.end_all() == 0
        finally:
            mine.kill()
            other.kill()
