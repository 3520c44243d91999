"""What `check` says of a stack/ that is not what the project renders to."""

from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from obsctl.conventions import COMPOSE_FILE, LABEL_SPEC_HASH
from obsctl.health.asking.context import Context
from obsctl.health.checks.project import stack_is_current
from obsctl.health.findings.report import Finding
from obsctl.render.rendered import RenderedFile
from obsctl.render.write import write
from tests.unit.stacks import resolved

FILES = {
    COMPOSE_FILE: f"services:\n  a:\n    labels:\n      {LABEL_SPEC_HASH}: 1\n",
    "prometheus/rules.yml": "".join(f"line {number}\n" for number in range(40)),
    "retention.json": '{\n  "data_retention": "14d"\n}\n',
}


@pytest.fixture
def context(tmp_path: Path) -> Context:
    write(_rendered(FILES), tmp_path / "stack")
    stack = resolved(tmp_path, "services: { redis: { kind: redis, address: 'localhost:1' } }\n")
    return Context(stack, FILES, tmp_path, tmp_path / "stack", tmp_path, tuple)


def _rendered(files: dict[str, str]) -> list[RenderedFile]:
    return [RenderedFile(PurePosixPath(path), text) for path, text in files.items()]


def found(context: Context, **changed: str) -> Finding:
    """Where these files are rendered otherwise than they were."""
    names = {name.replace("_", "."): text for name, text in changed.items()}
    (finding,) = stack_is_current(replace(context, files=dict(context.files) | names))
    return finding


def test_equal_is_well(context: Context) -> None:
    assert (found(context).state, found(context).evidence) == ("ok", "3 files equal")


def test_a_project_that_has_moved_on_is_behind(context: Context) -> None:
    files = {
        "retention.json": FILES["retention.json"].replace("14d", "7d"),
        COMPOSE_FILE: FILES[COMPOSE_FILE].replace(": 1", ": 2"),
    }
    (finding,) = stack_is_current(replace(context, files=FILES | files))
    assert finding.code == "stack-stale"
    assert finding.evidence.splitlines() == [
        f"{COMPOSE_FILE}, retention.json are behind obsctl.yaml",
        "retention.json, line 2:",
        '-  "data_retention": "14d"',
        '+  "data_retention": "7d"',
    ]


def test_only_a_hash_is_said_to_be_only_that(context: Context) -> None:
    (finding,) = stack_is_current(
        replace(context, files=FILES | {COMPOSE_FILE: FILES[COMPOSE_FILE].replace(": 1", ": 2")})
    )
    assert finding.evidence.endswith(f"only `{LABEL_SPEC_HASH}`")


def test_an_edit_by_hand_is_another_cause_and_goes_first(context: Context) -> None:
    file = context.stack_directory / "prometheus" / "rules.yml"
    file.write_text(file.read_text().replace("line 7\n", "").replace("line 30", "line thirty"))
    finding = found(context, retention_json="{}")
    assert finding.code == "stack-edited"
    assert finding.evidence.splitlines() == [
        "prometheus/rules.yml is edited by hand; retention.json is behind obsctl.yaml",
        "prometheus/rules.yml, line 7:",
        "+line 7",
        "-line thirty",
        "+line 30",
    ]
    assert "--force" in finding.fix


def test_long_changes_are_cut(context: Context) -> None:
    (context.stack_directory / "prometheus" / "rules.yml").write_text("nothing\n")
    lines = found(context).evidence.splitlines()
    assert lines[-1] == "... 33 more lines"
    assert len(lines) == 11


def test_what_was_never_rendered_is_not_listed(context: Context, tmp_path: Path) -> None:
    (finding,) = stack_is_current(replace(context, stack_directory=tmp_path / "none"))
    assert finding.code == "stack-stale"
    assert finding.evidence == "not rendered yet: 3 files are to be written"


def test_a_lost_file_is_missing(context: Context) -> None:
    (context.stack_directory / "retention.json").unlink()
    assert found(context).code == "stack-stale"
    assert found(context).evidence == "retention.json is missing"


def test_a_link_and_a_directory_in_the_place_of_a_file_are_told(context: Context) -> None:
    place = context.stack_directory / "retention.json"
    place.unlink()
    place.mkdir()
    assert "s a directory" in found(context).evidence
    place.rmdir()
    place.symlink_to("/etc/hostname")
    assert found(context).code == "stack-edited"
    assert "is a symbolic link" in found(context).evidence
