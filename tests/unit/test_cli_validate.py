"""What commands say where the fault is no line of the file: a patch of no file, no directory."""

from pathlib import Path

import pytest

from obsctl.__main__ import main

PROJECT = "version: 1\nproject: demo\nstack: { without: [elk] }\n"


def test_a_patch_that_meets_no_file_is_told_at_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    patch = "patches: { prometheus/prometheus.yaml: { global: {} } }\n"
    Path("obsctl.yaml").write_text(PROJECT + patch)
    assert main(["validate"]) == 3
    told = capsys.readouterr().err
    assert told.startswith("obsctl.yaml:4:12: error: `prometheus/prometheus.yaml` is no YAML")
    assert "prometheus/prometheus.yml" in told
    assert [path.name for path in tmp_path.iterdir()] == ["obsctl.yaml"]


@pytest.mark.parametrize("words", [["render"], ["init", "--yes"], ["status"]])
def test_a_directory_that_is_gone_is_told(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert main(words) == 2
    assert capsys.readouterr().err.startswith("error: the current directory is gone\n")
