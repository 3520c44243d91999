"""Reading a YAML file: what is refused, and where everything stands."""

import os
from pathlib import Path

import pytest
import yaml

from obsctl.errors import Location, ProjectFileError
from obsctl.project.document import SIZE_MAX_BYTES, Document, parse_document, read_document
from obsctl.project.findings import Findings

FILE = Path("obsctl.yaml")
TEXT = """\
version: 1
services:
  api: { kind: express, targets: ['a:1', b:2] }
  db:
    kind: mongodb
    address:
list:
  - one
  - name: x
    empty: ''
"""


def refusal(path: Path) -> str:
    with pytest.raises(ProjectFileError) as caught:
        read_document(path)
    assert caught.value.exit_code == 3
    (problem,) = caught.value.problems
    return problem.message


@pytest.fixture
def document() -> Document:
    return parse_document(TEXT, FILE)


@pytest.mark.parametrize(
    ("path", "key", "place"),
    [
        ((), False, (1, 1, 7)),
        (("version",), False, (1, 10, 1)),
        (("version",), True, (1, 1, 7)),
        (("services", "api"), False, (3, 8, 40)),
        (("services", "api", "kind"), False, (3, 16, 7)),
        (("services", "api", "targets"), False, (3, 34, 12)),
        (("services", "api", "targets", 0), False, (3, 35, 5)),
        (("services", "api", "targets", 1), True, (3, 42, 3)),
        (("services", "db"), False, (4, 3, 2)),
        (("services", "db", "kind"), False, (5, 11, 7)),
        (("services", "db", "address"), False, (6, 5, 7)),
        (("services", "db", "missing", "deep"), False, (4, 3, 2)),
        (("nothing",), False, (1, 1, 7)),
        (("list", 0), False, (8, 5, 3)),
        (("list", 1), False, (9, 5, 4)),
        (("list", 1, "empty"), False, (10, 12, 2)),
        (("list", 7), False, (7, 1, 4)),
        (("version", "below", 3), False, (1, 1, 7)),
    ],
)
def test_every_part_has_its_place(
    document: Document,
    path: tuple[str | int, ...],
    key: bool,  # noqa: FBT001 - a parameter of the table above
    place: tuple[int, int, int],
) -> None:
    line, column, width = place
    assert document.locate(path, key=key) == Location(FILE, line, column, width)


def test_lists_are_tuples_and_text_stays_as_written(document: Document) -> None:
    assert document.data["services"]["api"]["targets"] == ("a:1", "b:2")
    assert parse_document("a: 3.10\n", FILE).raw(("a",)) == "3.10"
    assert document.raw(("services",)) is None
    assert document.raw(("nowhere",)) is None


def test_findings_are_sorted_and_told_once(document: Document) -> None:
    findings = Findings(document)
    findings.add(("list", 0), "later")
    findings.add(("version",), "first", "a hint", key=True)
    findings.add(("list", 0), "later")
    assert [problem.message for problem in findings.problems] == ["first", "later"]
    assert findings.problems[0].source == "version: 1"
    assert findings.has_at(("list", 0))
    with pytest.raises(ProjectFileError, match="first"):
        findings.raise_any()


def test_crlf_and_a_missing_last_line_break_change_nothing() -> None:
    document = parse_document(TEXT.replace("\n", "\r\n").rstrip(), FILE)
    assert document.locate(("services", "db", "kind")).line == 5
    assert document.source(5) == "    kind: mongodb"


def test_a_missing_file_says_how_to_begin(tmp_path: Path) -> None:
    assert "does not exist" in refusal(tmp_path / "obsctl.yaml")
    assert "does not exist" in refusal(tmp_path / "obsctl.yaml" / "below")


def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"`{tmp_path}` is a directory"
    os.mkfifo(tmp_path / "pipe")
    assert "no regular file" in refusal(tmp_path / "pipe")
    assert "no regular file" in refusal(Path(os.devnull))


def test_a_symbolic_link_is_followed_unless_it_goes_in_circles(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("version: 1\n")
    (tmp_path / "link").symlink_to("real")
    assert read_document(tmp_path / "link").data == {"version": 1}
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert "leads back to itself" in refusal(tmp_path / "a")


def test_a_file_without_permission_is_told(tmp_path: Path) -> None:
    file = tmp_path / "obsctl.yaml"
    file.write_text("version: 1\n")
    file.chmod(0)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)  # root reads everything
    try:
        message = refusal(file)
    finally:
        os.seteuid(user)
    assert message == f"no permission to read `{file}`"


def test_odd_paths_are_told(tmp_path: Path) -> None:
    assert "cannot be read" in refusal(tmp_path / ("x" * 300))
    assert "cannot be read" in refusal(Path("a\0b"))


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "obsctl.yaml"
    file.write_text("# " + "x" * SIZE_MAX_BYTES)
    assert "larger than 1 MiB" in refusal(file)


def test_control_characters_are_all_told(tmp_path: Path) -> None:
    file = tmp_path / "obsctl.yaml"
    file.write_bytes(b"a: \x07\nb: \x7f x\n")
    with pytest.raises(ProjectFileError) as caught:
        read_document(file)
    places = [problem.location for problem in caught.value.problems]
    assert [(place.line, place.column) for place in places if place] == [(1, 4), (2, 4)]


def test_depth_and_digits_and_aliases_have_an_end(tmp_path: Path) -> None:
    for text in (
        "a: " + "[" * 100_000,
        "- " * 5000,
        "a: " + "9" * 100_000,
        "a: &a {b: *a}",
        "a: &a " + "[" * 31 + "]" * 31 + "\nb: {c: *a}",
    ):
        file = tmp_path / "obsctl.yaml"
        file.write_text(text)
        refusal(file)


def test_the_pure_parser_reads_the_same_and_refuses_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """PyYAML may have been built without libyaml."""
    bad = Path(__file__).parent / "bad"
    fast = parse_document(TEXT, FILE)
    monkeypatch.delattr(yaml, "CSafeLoader")
    slow = parse_document(TEXT, FILE)
    assert slow.data == fast.data
    assert slow.locate(("services", "api", "targets", 1)) == fast.locate(
        ("services", "api", "targets", 1)
    )
    for name in (
        "tab_indent",
        "unclosed_quote",
        "unclosed_list",
        "two_documents",
        "starts_with_at",
    ):
        with pytest.raises(ProjectFileError):
            read_document(bad / f"{name}.yaml")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("~", None), ("null", None), ("Null", None), ("true", True), ("FALSE", False),
        ("tRue", "tRue"), ("no", "no"), ("On", "On"), ("y", "y"), ("12", 12), ("-7", -7),
        ("+5", 5), ("007", 7), ("0o17", 15), ("0x1F", 31), ("0b11", "0b11"), ("1_000", "1_000"),
        ("1:30", "1:30"), ("1.", 1.0), (".5", 0.5), ("1.5e3", 1500.0), ("1e-3", 0.001),
        ("-x", "-x"), ("+", "+"), (".", "."), ("1.2.3", "1.2.3"), ("2024-01-01", "2024-01-01"),
        ("'1'", "1"), ('"true"', "true"), ("!!str 3.10", "3.10"),
        ("12:30:45", "12:30:45"), ("0o9", "0o9"), ("<<", "<<"), ("=", "="),
    ],
)  # fmt: skip
def test_scalars_follow_the_core_schema(text: str, value: object) -> None:
    read = parse_document(f"a:\n  - {text}\n", FILE).data["a"][0]
    assert read == value
    assert type(read) is type(value)
