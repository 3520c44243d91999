"""The `errors` section: forms of a DSN, who makes which secret, which file holds a service's."""

import stat
from pathlib import Path

import pytest

from obsctl.cli.pipeline import resolve_project
from obsctl.engine.components.error_projects import dsn_for
from obsctl.errors import ProjectFileError
from obsctl.project import secret_files, secrets
from obsctl.project.dsn import dsn_problem, parse_dsn
from obsctl.project.schema import Project

BASE = {"version": 1, "project": "demo", "stack": {"without": ("elk", "grafana")}}


@pytest.mark.parametrize(
    "text",
    [
        "https://0123456789abcdef0123456789abcdef@o42.ingest.sentry.io/4501",
        "http://key:secret@sentry.internal:9000/2",
        "http://key@[::1]:8010/1",
        "https://key@example.com/below/a/path/7",
    ],
)
def test_what_the_sdks_take_is_a_dsn(text: str) -> None:
    dsn = parse_dsn(text)
    assert dsn is not None
    assert dsn.key not in repr(dsn)
    assert dsn.key not in dsn.envelope_url
    assert dsn.envelope_url.endswith(f"/api/{text.rpartition('/')[2]}/envelope/")


def test_a_dsn_as_containers_know_it_leads_to_this_machine() -> None:
    dsn = parse_dsn("http://key@host.docker.internal:8010/below/1")
    assert dsn is not None
    assert dsn.from_here.envelope_url == "http://127.0.0.1:8010/below/api/1/envelope/"
    assert (dsn.from_here.key, dsn.from_here.project) == ("key", "1")
    away = parse_dsn("https://key@example.com/7")
    assert away is not None
    assert away.from_here == away


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sentry.io/1",
        "https://sentry.io/1",
        "https://key@sentry.io/",
        "https://key@sentry.io/project",
        "ftp://key@sentry.io/1",
        "https://key@sentry.io/1\n",
        "https://key@sentry.io/1?x=1",
        "https://key @sentry.io/1",
    ],
)
def test_anything_else_is_none(text: str) -> None:
    assert parse_dsn(text) is None


def test_the_dsn_of_a_sentry_is_the_users_to_give() -> None:
    errors = {"sentry": {"dsn": {"secret": "my_dsn"}}}
    project = Project.model_validate({**BASE, "errors": errors})
    assert secrets.given_names(project) == ("my_dsn",)
    assert secrets.generated_names(project) == ()
    assert project.errors is not None
    assert project.errors.dsn_secret("backend") == "my_dsn"


def test_bugsinks_secrets_are_made_and_each_service_has_a_dsn(tmp_path: Path) -> None:
    project = Project.model_validate({**BASE, "errors": {"bugsink": {}}})
    names = secrets.generated_names(project)
    assert secrets.given_names(project) == ()
    assert names == ("bugsink_admin_password", "bugsink_api_token", "bugsink_secret_key")
    secrets.generate(tmp_path, names)
    token = (tmp_path / "secrets" / "bugsink_api_token").read_text()
    assert len(bytes.fromhex(token)) == 20
    assert len((tmp_path / "secrets" / "bugsink_secret_key").read_text()) >= 50
    assert project.errors is not None
    assert project.errors.dsn_secret("backend") == "backend_sentry_dsn"


@pytest.mark.parametrize(
    ("origin", "wanted"),
    [
        ("http://localhost:8010", "http://k1@localhost:8010/7"),
        ("http://bugsink:8000", "http://k1@bugsink:8000/7"),
        ("https://errors.example.com/below", "https://k1@errors.example.com/below/7"),
        ("http://[::1]:8010", "http://k1@[::1]:8010/7"),
    ],
)
def test_a_dsn_leads_where_its_service_reaches_the_tracker(origin: str, wanted: str) -> None:
    assert dsn_for("http://k1@localhost:9999/7", origin) == wanted


def test_a_dsn_is_written_once_and_replaced_when_it_changed(tmp_path: Path) -> None:
    assert secret_files.put(tmp_path, "backend_sentry_dsn", b"one")
    assert not secret_files.put(tmp_path, "backend_sentry_dsn", b"one")
    assert secret_files.put(tmp_path, "backend_sentry_dsn", b"two")
    folder = tmp_path / "secrets"
    file = folder / "backend_sentry_dsn"
    assert file.read_bytes() == b"two"
    assert stat.S_IMODE(file.stat().st_mode) == 0o444
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {path.name for path in folder.iterdir()} <= {".gitignore", "backend_sentry_dsn"}


def test_what_no_dsn_can_be_is_told_without_its_value(tmp_path: Path) -> None:
    secret_files.put(tmp_path, "my_dsn", b"hunter2")
    problem = dsn_problem(tmp_path, "my_dsn")
    assert problem is not None
    assert "hunter2" not in f"{problem.message} {problem.hint}"


ERRORS = [
    ("errors: { bugsink: { port: 9090 } }", "port 9090 of bugsink is taken by prometheus"),
    ("errors: { bugsink: { memory: 64MiB } }", "64MiB is too little for bugsink"),
    ("errors: { bugsink: {} }\nservices: { host: { kind: node } }", "no service of this project"),
    ("services: { bugsink: { kind: node } }", "`bugsink` is the name of part of the stack"),
]


@pytest.mark.parametrize(("text", "words"), ERRORS)
def test_what_cannot_work_is_told(text: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "obsctl.yaml"
    file.write_text(f"version: 1\nproject: demo\nstack: {{ without: [elk] }}\n{text}\n")
    with pytest.raises(ProjectFileError) as caught:
        resolve_project(file)
    assert any(words in problem.message for problem in caught.value.problems)


def test_the_file_of_a_dsn_belongs_to_nobody_else(tmp_path: Path) -> None:
    file = tmp_path / "obsctl.yaml"
    file.write_text("""\
version: 1
project: demo
services: { shop: { kind: express, targets: ["localhost:3000"] } }
errors: { bugsink: {} }
notifications:
  receivers: { ops: { slack: { webhook_url: { secret: shop_sentry_dsn }, channel: "#ops" } } }
  routes: { critical: [ops] }
stack: { without: [elk] }
""")
    with pytest.raises(ProjectFileError, match="`shop_sentry_dsn` is the file of the DSN of"):
        resolve_project(file)
