"""What `secrets list` shows: who uses each secret, where it comes from, who may renew it."""

from pathlib import Path

from obsctl.cli.pipeline import build
from obsctl.cli.rotating import rows
from obsctl.health.session import context_of
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
