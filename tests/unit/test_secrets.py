"""Files under secrets/: made once, closed to others, readable in containers, never shown."""

import os
import resource
import stat
from pathlib import Path

import pytest

from obsctl.errors import ProjectFileError, RenderError
from obsctl.project import secret_checks, secrets
from obsctl.project.schema import Project

NAMES = ("elastic_password", "mongodb_password")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def problem_of(root: Path, name: str = "one") -> str:
    (problem,) = secrets.check(root, [name])
    return problem.message


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with one good secret."""
    secrets.generate(tmp_path, ["one"])
    return tmp_path


def put(root: Path, content: bytes) -> None:
    file = root / "secrets" / "one"
    file.chmod(0o644)
    file.write_bytes(content)
    file.chmod(0o444)


def test_generated_secrets_are_long_different_and_without_a_line_break(tmp_path: Path) -> None:
    assert secrets.generate(tmp_path, NAMES) == NAMES
    values = {(tmp_path / "secrets" / name).read_text() for name in NAMES}
    assert len(values) == 2
    assert all(len(value) >= 43 and value == value.strip() for value in values)


def test_modes_let_containers_in_and_other_users_out(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        secrets.generate(tmp_path, NAMES)
    finally:
        os.umask(before)
    assert mode(tmp_path / "secrets") == 0o700
    assert {mode(tmp_path / "secrets" / name) for name in NAMES} == {0o444}
    assert (tmp_path / "secrets" / ".gitignore").read_text() == "*\n"
    assert sorted(path.name for path in (tmp_path / "secrets").iterdir()) == [".gitignore", *NAMES]


def test_existing_files_are_never_touched(root: Path) -> None:
    put(root, b"mine")
    (root / "secrets" / "two").symlink_to("/nowhere")
    assert secrets.generate(root, ["one", "two", "three"]) == ("three",)
    assert (root / "secrets" / "one").read_bytes() == b"mine"
    assert not Path("/nowhere").exists()
    assert secrets.generate(root, ["one", "two", "three"]) == ()


def test_missing_names_those_without_a_file(root: Path) -> None:
    assert secrets.missing(root, ["two", "one"]) == ("two",)
    assert secrets.missing(root / "elsewhere", ["one"]) == ("one",)


def test_the_directory_must_be_one_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir(mode=0o700)
    (tmp_path / "secrets").symlink_to("target")
    with pytest.raises(ProjectFileError, match="no symbolic link"):
        secrets.generate(tmp_path, NAMES)
    assert "no symbolic link" in problem_of(tmp_path)
    (tmp_path / "secrets").unlink()
    (tmp_path / "secrets").write_text("")
    with pytest.raises(ProjectFileError, match="directory of its own"):
        secrets.generate(tmp_path, NAMES)
    assert "directory of its own" in problem_of(tmp_path)
    assert list((tmp_path / "target").iterdir()) == []


def test_a_directory_open_to_others_is_refused(root: Path) -> None:
    (root / "secrets").chmod(0o755)
    assert "open to other users" in problem_of(root)
    with pytest.raises(ProjectFileError, match="open to other users"):
        secrets.generate(root, ["two"])


@pytest.mark.parametrize("was_there", [False, True])
def test_nothing_is_left_where_not_all_can_be_made(tmp_path: Path, *, was_there: bool) -> None:
    if was_there:
        secrets.generate(tmp_path, ["one"])
    before = sorted(tmp_path.rglob("*"))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Room for the .gitignore, and none for a secret: as on a disk that is all but full.
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, limits[1]))
    try:
        with pytest.raises(RenderError, match="cannot be written"):
            secrets.generate(tmp_path, NAMES)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_missing_directory_is_told_once(tmp_path: Path) -> None:
    (problem,) = secrets.check(tmp_path, NAMES)
    assert problem.message.endswith("secrets` is missing")
    assert secrets.check(tmp_path, ()) == ()


def test_a_good_secret_has_no_problem(root: Path) -> None:
    assert secrets.check(root, ["one"]) == ()


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "is empty"), (b" \n", "is empty"), (b"canary-12\n", "ends with a line break"),
     (b"changeme", "everybody knows"), (b"Admin123!", "everybody knows"),
     (b"qwertyuiop", "everybody tries"), (b"xyxyxyxyxy", "everybody tries"),
     (b"k3y-len", "shorter than 8"), (b"one-line\nvalue", "several lines"),
     (b"control\x07value", "control character"), (b" value-1234", "holds a space"),
     (b"\xef\xbb\xbfvalue-1234", "invisible character (U+FEFF)"),
     (b"value-\xff\xfe-12", "not UTF-8"), (b"x" * 70_000, "larger than 64 KiB")],
)  # fmt: skip
def test_a_bad_value_is_told_and_not_shown(root: Path, content: bytes, words: str) -> None:
    put(root, content)
    assert words in problem_of(root)
    told = secrets.check(root, ["one"])[0]
    text = content.decode("latin-1").strip()
    assert not text or text not in f"{told.message} {told.hint}"


def test_what_a_component_would_change_is_refused() -> None:
    fault = secret_checks.value_fault
    assert "variable" in str(fault("grafana_reader_password", b"pa$word-1234"))
    assert "variable" in str(fault("kibana_system_password", b"pa${word}-1234"))
    assert "32 characters" in str(fault("kibana_encryption_key", b"k3y-" * 5))
    assert "50 characters" in str(fault("bugsink_secret_key", b"k3y-" * 10))
    assert "40 digits" in str(fault("bugsink_api_token", b"k3y-" * 10))
    for name in ("kibana_encryption_key", "bugsink_secret_key", "bugsink_api_token"):
        assert fault(name, secrets.made_up(name)) is None
    assert fault("elastic_password", b"pa$w'o\"r\\d{{x}}`1`") is None


def test_a_file_that_others_can_write_is_told(root: Path) -> None:
    (root / "secrets" / "one").chmod(0o666)
    assert "written by others" in problem_of(root)


def test_a_link_and_a_closed_file_are_told(root: Path) -> None:
    file = root / "secrets" / "one"
    file.chmod(0o400)
    assert "closed to its container" in problem_of(root)
    file.unlink()
    file.symlink_to("/etc/hostname")
    assert "no symbolic link" in problem_of(root)
    (told,) = secrets.check(root, ["one"])
    assert str(told.hint).startswith(f"run `rm -f {file}`, then ")
    file.unlink()
    file.mkdir()
    (told,) = secrets.check(root, ["one"])
    assert "regular file" in told.message
    assert str(told.hint).startswith(f"run `rmdir {file}`, then ")


def test_the_remedy_depends_on_who_knows_the_value(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (elsewhere,) = secrets.check(root, ["slack"], given=["slack"])
    assert f"/dev/stdin {root}/secrets/slack`" in str(elsewhere.hint)
    monkeypatch.chdir(root)
    given, generated = secrets.check(root, ["slack", "two"], given=["slack"])
    assert given.hint == (
        'run `read -rs V && printf %s "$V" | install -m 444 /dev/stdin secrets/slack`'
    )
    assert generated.hint == "run `obsctl up`"


def test_who_makes_which_secret() -> None:
    project = Project.model_validate(
        {
            "version": 1,
            "project": "demo",
            "services": {
                "db": {
                    "kind": "mongodb",
                    "address": "db:27017",
                    "credentials": {"user": "x", "password": {"secret": "db_password"}},
                }
            },
            "notifications": {
                "receivers": {
                    "ops": {"slack": {"webhook_url": {"secret": "hook"}, "channel": "#ops"}},
                    "pager": {"pagerduty": {"routing_key": {"secret": "key"}}},
                }
            },
            "stack": {"without": ("kibana",)},
        }
    )
    assert secrets.given_names(project) == ("hook", "key")
    assert secrets.generated_names(project) == (
        "db_password", "elastic_password", "es_exporter_password", "grafana_admin_password",
        "grafana_reader_password", "grafana_secret_key", "logstash_writer_password",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("value", "is_url"),
    [("https://hooks.example.com/T0/x?y=$z", True), ("http://[::1]:9/x", True),
     ("hooks.example.com/T0", False), ("https:///T0", False), ("http://[::1", False),
     ("ftp://example.com/T0", False)],
)  # fmt: skip
def test_the_secret_of_a_webhook_is_a_url(root: Path, value: str, *, is_url: bool) -> None:
    put(root, value.encode())
    problem = secret_checks.url_problem(root, "one")
    assert (problem is None) is is_url
    assert value not in str(problem)
