"""The remembered rendering: believed only while no input and no written file has changed."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from obsctl.cli.pipeline import build
from obsctl.conventions import MANIFEST_FILE
from obsctl.render import inputs as module
from obsctl.render.inputs import fingerprint
from obsctl.render.record import RECORD_FILE, Rendered, recall
from obsctl.render.write import write
from tests.unit.test_dashboards import OWN

PROJECT = """\
version: 1
project: demo
notifications:
  receivers: { ops: { slack: { webhook_url: { secret: hook }, channel: "#ops" } } }
  routes: { critical: [ops] }
stack: { without: [elk] }
"""
KIND = "extends: http\ntitle: Own\n"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a kind and a template of its own, rendered and remembered.

    obsctl's own files are left out but for one folder, so that an edit of them can be tried.
    """
    own = tmp_path / "obsctl-itself"
    own.mkdir()
    (own / "module.py").write_text("pass\n")
    monkeypatch.setattr(module, "_OWN", (own,))
    root = tmp_path / "project"
    for folder in ("catalog", "templates/prometheus"):
        (root / folder).mkdir(parents=True)
    (root / "catalog/own.yaml").write_text(KIND)
    (root / "templates/prometheus/extra.yml.j2").write_text("{}\n")
    path = root / "obsctl.yaml"
    path.write_text(PROJECT)
    render(path)
    return path


def render(path: Path) -> None:
    before = fingerprint(path)
    built = build(path)
    write(built.files, built.stack_directory)
    built.remember(before)


def recalled(path: Path) -> Rendered | None:
    return recall(path, fingerprint(path))


def test_an_untouched_project_is_recalled_with_all_that_commands_need(file: Path) -> None:
    assert recalled(file) == build(file).summary()


def test_it_says_what_a_rendering_would_say(file: Path) -> None:
    rendered = recalled(file)
    assert rendered is not None
    assert rendered.project == "demo"
    assert "grafana_admin_password" in rendered.generated_secrets
    assert rendered.given_secrets == rendered.urls == ("hook",)
    assert [row[0] for row in rendered.endpoints] == ["Grafana", "Prometheus", "Alertmanager"]


def append(path: Path) -> None:
    path.write_text(path.read_text() + "\n")


INPUTS: dict[str, Callable[[Path], object]] = {
    "the project file": lambda root: append(root / "obsctl.yaml"),
    "a kind": lambda root: append(root / "catalog/own.yaml"),
    "a new kind": lambda root: (root / "catalog/new.yaml").write_text(KIND),
    "a kind that is gone": lambda root: (root / "catalog/own.yaml").unlink(),
    "a template": lambda root: append(root / "templates/prometheus/extra.yml.j2"),
    "a new template": lambda root: (root / "templates/alone.yml.j2").write_text("{}\n"),
    "a template that is gone": lambda root: (root / "templates/prometheus/extra.yml.j2").unlink(),
    "a renamed template": lambda root: (root / "templates/prometheus").rename(
        root / "templates/blackbox"
    ),
    "obsctl itself": lambda root: append(root.parent / "obsctl-itself/module.py"),
    "obsctl itself, of the same size": lambda root: os.utime(
        root.parent / "obsctl-itself/module.py", ns=(1, 1)
    ),
    "a new module of obsctl": lambda root: (root.parent / "obsctl-itself/new.py").write_text(""),
}


@pytest.mark.parametrize("name", INPUTS)
def test_a_change_of_an_input_is_noticed(file: Path, name: str) -> None:
    INPUTS[name](file.parent)
    assert recalled(file) is None


def test_another_version_of_obsctl_renders_anew(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "__version__", "999")
    assert recalled(file) is None


def test_another_version_of_a_library_renders_anew(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    libraries = tmp_path / "lib"
    (libraries / "yaml").mkdir(parents=True)
    (libraries / "pyyaml-6.0.dist-info").mkdir()
    monkeypatch.setattr(module, "_libraries", lambda: [str(libraries / "yaml/__init__.py")])
    before = fingerprint(file)
    (libraries / "pyyaml-6.0.dist-info").rename(libraries / "pyyaml-6.1.dist-info")
    assert fingerprint(file) != before


def test_another_project_file_beside_it_is_not_taken_for_it(file: Path) -> None:
    other = file.with_name("other.yaml")
    other.write_text(PROJECT)
    assert recalled(other) is None


def manifest(root: Path) -> Path:
    return root / "stack" / MANIFEST_FILE


def link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


OUTPUTS: dict[str, Callable[[Path], object]] = {
    "an edited file": lambda root: append(root / "stack/docker-compose.yml"),
    "a file that is gone": lambda root: (root / "stack/docker-compose.yml").unlink(),
    "a linked file": lambda root: link(root / "stack/docker-compose.yml"),
    "a linked folder": lambda root: link(root / "stack/prometheus"),
    "an edited manifest": lambda root: append(manifest(root)),
    "a manifest that is gone": lambda root: manifest(root).unlink(),
    "no stack at all": lambda root: (root / "stack").rename(root / "gone"),
    "a spoilt record": lambda root: (root / ".obsctl" / RECORD_FILE).write_text("{"),
    "a record of another form": lambda root: (root / ".obsctl" / RECORD_FILE).write_text("[]"),
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_change_of_what_was_written_is_noticed(file: Path, name: str) -> None:
    OUTPUTS[name](file.parent)
    assert recalled(file) is None


def test_a_record_with_missing_parts_counts_as_none(file: Path) -> None:
    record = file.parent / ".obsctl" / RECORD_FILE
    data = json.loads(record.read_text())
    del data["rendered"]["endpoints"]
    record.write_text(json.dumps(data))
    assert recalled(file) is None


def test_an_edit_while_it_is_rendered_is_not_remembered(file: Path) -> None:
    before = fingerprint(file)
    built = build(file)
    append(file)
    (file.parent / ".obsctl" / RECORD_FILE).unlink()
    built.remember(before)
    assert not (file.parent / ".obsctl" / RECORD_FILE).exists()


def test_what_was_never_written_is_not_recalled(file: Path) -> None:
    file.write_text(PROJECT.replace("project: demo", "project: other"))
    built = build(file)
    built.remember(fingerprint(file))
    assert recalled(file) is None


def test_dashboards_count_by_their_content(file: Path) -> None:
    board = file.parent / "boards/orders.json"
    board.parent.mkdir()
    board.write_text(json.dumps(OWN))
    file.write_text(PROJECT + "dashboards: [ boards/*.json ]\n")
    render(file)
    assert recalled(file) is not None
    board.write_text(json.dumps({**OWN, "title": "Other"}))
    assert recalled(file) is None
    render(file)
    (board.parent / "more.json").write_text(json.dumps({**OWN, "uid": "more"}))
    assert recalled(file) is None
    render(file)
    (board.parent / "more.json").unlink()
    assert recalled(file) is None


def test_an_edit_of_a_dashboard_while_it_is_rendered_is_not_remembered(file: Path) -> None:
    board = file.with_name("orders.json")
    board.write_text(json.dumps(OWN))
    file.write_text(PROJECT + "dashboards: [ orders.json ]\n")
    before, built = fingerprint(file), build(file)
    write(built.files, built.stack_directory)
    board.write_text(json.dumps({**OWN, "title": "Other"}))
    built.remember(before)
    assert recalled(file) is None


def test_a_pipe_is_not_read(file: Path) -> None:
    pipe = file.with_name("pipe.yaml")
    os.mkfifo(pipe)
    assert fingerprint(pipe) is None


def test_a_missing_project_file_has_no_fingerprint(file: Path) -> None:
    assert fingerprint(file.with_name("missing.yaml")) is None


def test_all_files_that_a_rendering_opens_are_inputs(file: Path) -> None:
    """Whoever adds a file that decides about the rendering has to add it to the fingerprint."""
    opened = {path for path in _opened_by(lambda: build(file)) if file.parent in path.parents}
    seen = {path for path in _opened_by(lambda: fingerprint(file)) if file.parent in path.parents}
    assert {path.name for path in opened} >= {"obsctl.yaml", "own.yaml", "extra.yml.j2"}
    assert opened <= seen


def _opened_by(run: Callable[[], object]) -> set[Path]:
    opened: set[Path] = set()
    listening = True

    def note(event: str, arguments: tuple[object, ...]) -> None:
        # A hook cannot be taken out again.
        if listening and event == "open" and isinstance(arguments[0], str | os.PathLike):
            opened.add(Path(os.fsdecode(arguments[0])).absolute())

    sys.addaudithook(note)
    run()
    listening = False
    return opened
