"""The `errors` section: forms of a DSN, who makes which secret, which file holds a service's."""

from pathlib import Path

import pytest

from obsctl.project import secrets
from obsctl.project.error_tracking import is_dsn
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
    assert is_dsn(text)


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
    assert not is_dsn(text)


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
