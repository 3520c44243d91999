"""What `secrets` shows: who uses each, where it comes from, who may renew it, what was cut off."""

from pathlib import Path

from obsctl.cli.pipeline import build
from obsctl.cli.rotating import cut_off, rows
from obsctl.errors import Problem, Stopped, Terminated
from obsctl.health.session import context_of
from obsctl.project import secret_files
from obsctl.project.secrets import given_names, sources_of
from obsctl.rotation.inventory import Secret, inventory

PROJECT = """\
version: 1
project: demo
services:
  shop: { kind: express, targets: ["localhost:3000"] }
  api: { kind: express, targets: ["localhost:3002"] }
stack: { without: [elk] }
"""


def listed(folder: Path, errors: str) -> dict[str, Secret]:
    file = folder / "obsctl.yaml"
    file.write_text(f"{PROJECT}errors: {errors}\n")
    built = build(file)
    project = built.loaded.project
    context = context_of(built.stack, built.files, folder)
    found = inventory(context, sources_of(project), given_names(project))
    assert [row[0] for row in rows(file)] == sorted(found)
    return found


def test_the_dsns_of_applications_are_listed(tmp_path: Path) -> None:
    found = listed(tmp_path, "{ bugsink: {} }")
    dsn = found["shop_sentry_dsn"]
    assert (dsn.origin, dsn.apps, dsn.can_renew) == ("made by Bugsink", ("shop",), False)
    assert "lets one send events" in dsn.kept_because
    assert "project" in dsn.anew("demo")
    assert found["api_sentry_dsn"].used_by == ("api (the app)",)
    assert found["bugsink_api_token"].can_renew


def test_the_dsn_of_a_sentry_is_the_users(tmp_path: Path) -> None:
    dsn = listed(tmp_path, "{ sentry: { dsn: { secret: sentry_dsn } } }")["sentry_dsn"]
    assert (dsn.origin, dsn.apps, dsn.can_renew) == ("yours", ("shop", "api"), False)
    assert dsn.kept_because == ""
    assert dsn.exporters == ()


def test_an_interrupted_rotation_tells_what_has_two_values(tmp_path: Path) -> None:
    nothing = Terminated(Problem("nothing has been changed yet"))
    assert cut_off(nothing, tmp_path) is nothing
    for name in ("a", "b"):
        secret_files.put(tmp_path, name, b"old-value")
        secret_files.stage(tmp_path, name, b"new-value")
    secret_files.promote(tmp_path, "a", keep=True)
    assert secret_files.in_rotation(tmp_path) == ("a", "b")
    error = cut_off(nothing, tmp_path)
    assert isinstance(error, Terminated)
    assert "while a, b had two values" in str(error)
    assert type(cut_off(KeyboardInterrupt(), tmp_path)) is Stopped
