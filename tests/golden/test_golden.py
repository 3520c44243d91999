"""What is rendered is what was reviewed."""

from pathlib import Path

import pytest

from obsctl.cli.pipeline import build
from obsctl.render.verify import verify
from obsctl.render.write import difference, write
from tests.golden.cases import CASES, NAMES, built, rendered, stored


@pytest.mark.parametrize("name", NAMES)
def test_the_stored_files_are_what_is_rendered(name: str) -> None:
    assert rendered(name) == stored(name), "`make golden` rewrites them; review the diff"


@pytest.mark.parametrize("name", NAMES)
def test_render_check_agrees(name: str) -> None:
    case = built(name)
    assert difference(case.files, case.stack_directory) == ""


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_found_in_process(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    case = built(name)
    assert verify(case.files, case.stack_directory).problems == ()


def test_a_stack_renders_the_same_in_another_place(tmp_path: Path) -> None:
    """No path of this machine is in any file, and nothing depends on where the project is."""
    source = CASES / "seed" / "obsctl.yaml"
    (tmp_path / "obsctl.yaml").write_bytes(source.read_bytes())
    moved = build(tmp_path / "obsctl.yaml")
    write(moved.files, moved.stack_directory)
    assert {str(file.path): file.text for file in moved.files} == rendered("seed")
    assert all(str(tmp_path) not in file.text for file in moved.files)
