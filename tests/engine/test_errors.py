"""Error tracking with a real Bugsink: a project and a DSN a service, and what can be wrong."""

import json
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from obsctl.cli.pipeline import build
from obsctl.health import session
from obsctl.health.asking.run import run_checks
from obsctl.health.canaries.error_canary import ERROR_CHECKS
from obsctl.health.checks import errors
from obsctl.health.findings.report import HealthReport
from tests.engine.project import ProjectUnderTest, clean_environment, eventually, free_port
from tests.engine.proxy import proxied
from tests.kit.engine import ensure_engine
from tests.kit.host import KitUnavailable
from tests.kit.images import stack_images
from tests.kit.tools import ensure_tools, tool_environment
from tests.tiers import unavailable

SERVICES = """\
  backend: { kind: express, targets: ["localhost:3000"] }
  worker: { kind: go, targets: ["localhost:2112"] }"""
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Tracked:
    project: ProjectUnderTest
    port: int
    docker_host: str

    @property
    def folder(self) -> Path:
        return self.project.folder

    def describe(self, errors: str) -> None:
        quick = "alerts: { BugsinkDown: { for: 1s } }\n" if "bugsink" in errors else ""
        self.project.write(SERVICES, more=f"{quick}errors: {errors}")

    def secret(self, name: str) -> str:
        return (self.folder / "secrets" / name).read_text()

    def put(self, name: str, value: str) -> None:
        path = self.folder / "secrets" / name
        path.unlink(missing_ok=True)
        path.write_text(value)
        path.chmod(0o444)

    def api(self, path: str) -> Any:  # noqa: ANN401 - JSON
        token = self.secret("bugsink_api_token")
        url = f"http://127.0.0.1:{self.port}/api/canonical/0{path}"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)["results"]

    def rename(self, number: str, name: str) -> None:
        token = self.secret("bugsink_api_token")
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/canonical/0/projects/{number}/",
            json.dumps({"name": name}).encode(),
            {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
            method="PATCH",
        )
        urllib.request.urlopen(request, timeout=10).close()

    def problems(self) -> dict[str, str]:
        """Code -> evidence of what the checks of error tracking find, canaries included.

        Bugsink may be slow to answer on a busy machine; that is asked again, and is no finding.
        """
        found: dict[str, str] = {}
        for _ in range(_ATTEMPTS):
            found = self._problems_now()
            if "no-answer" not in found:
                break
        return found

    def _problems_now(self) -> dict[str, str]:
        built = build(self.folder / "obsctl.yaml")
        place = {"bugsink": f"http://127.0.0.1:{self.port}"}
        context = session.context_of(built.stack, built.files, self.folder, place)
        report: HealthReport = run_checks(context, (*errors.CHECKS, *ERROR_CHECKS))
        return {finding.code: finding.evidence for finding in report.problems}

    def up(self) -> str:
        done = self.project.obsctl("up")
        assert done.code == 0, done.text
        return done.text


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tracked]:
    try:
        built = stack_images("bugsink")
        ensure_tools()
        engine = ensure_engine()
    except KitUnavailable as reason:
        unavailable("engine", str(reason))
    folder = tmp_path_factory.mktemp("errors")
    name = f"errors-{uuid.uuid4().hex[:8]}"
    project = ProjectUnderTest(folder, name, built, clean_environment(tool_environment()))
    tracked = Tracked(project, free_port(), engine.docker_host)
    tracked.describe(f"{{ bugsink: {{ port: {tracked.port} }} }}")
    try:
        told = tracked.up()
        assert f"http://localhost:{tracked.port}" in told
        assert "SENTRY_DSN_FILE=secrets/backend_sentry_dsn" in told
        assert f"the DSN of backend, {tracked.secret('backend_sentry_dsn')}" in told
        yield tracked
    finally:
        tracked.describe(f"{{ bugsink: {{ port: {tracked.port} }} }}")
        project.obsctl("down", "--volumes")


def send(dsn: str, message: str) -> None:
    """An exception as an SDK reports it."""
    origin, _, rest = dsn.partition("://")
    key, _, place = rest.partition("@")
    host, _, number = place.rpartition("/")
    event = {
        "event_id": uuid.uuid4().hex,
        "platform": "node",
        "exception": {"values": [{"type": "OrderError", "value": message}]},
    }
    lines = [{"event_id": event["event_id"]}, {"type": "event"}, event]
    request = urllib.request.Request(
        f"{origin}://{host}/api/{number}/envelope/",
        "\n".join(map(json.dumps, lines)).encode() + b"\n",
        {"X-Sentry-Auth": f"Sentry sentry_version=7, sentry_key={key}"},
    )
    urllib.request.urlopen(request, timeout=10).close()


def other_key(dsn: str) -> str:
    """The same DSN with a key that no project has."""
    return f"http://{uuid.uuid4().hex}@{dsn.partition('@')[2]}"


def test_an_error_of_a_service_is_an_issue_of_its_project(tracked: Tracked) -> None:
    send(tracked.secret("worker_sentry_dsn"), "no such order")
    number = tracked.secret("worker_sentry_dsn").rpartition("/")[2]

    def listed() -> bool:
        found = tracked.api(f"/issues/?project={number}")
        return [(one["calculated_type"], one["calculated_value"]) for one in found] == [
            ("OrderError", "no such order")
        ]

    eventually(listed, "the error is listed as an issue")
    assert {one["name"] for one in tracked.api("/projects/")} == {"backend", "worker"}


def test_all_is_proven_and_nothing_is_left(tracked: Tracked) -> None:
    def sessions() -> str:
        done = tracked.project.run(
            "docker", "exec", f"{tracked.project.name}-bugsink-1", "python3", "-c",
            "import sqlite3; db = sqlite3.connect('/data/db.sqlite3');"
            "print(db.execute('select count(*) from django_session').fetchone()[0])",
        )  # fmt: skip
        assert done.code == 0, done.text
        return done.stdout

    def proven() -> bool:
        before = sessions()  # of a login that took too long nobody could sign out
        return tracked.problems() == {} and sessions() == before

    eventually(proven, "all is proven, and no session is left")
    eventually(proven, "that holds again")
    number = tracked.secret("backend_sentry_dsn").rpartition("/")[2]
    (canaries,) = tracked.api(f"/issues/?project={number}")
    assert canaries["is_muted"]
    assert canaries["digested_event_count"] >= 2


def test_another_up_touches_nothing(tracked: Tracked, short_path: Path) -> None:
    before = tracked.api("/projects/")
    with proxied(short_path / "s", tracked.docker_host) as proxy:
        done = tracked.project.obsctl("up", environment={"DOCKER_HOST": proxy.docker_host})
        assert done.code == 0, done.text
        assert proxy.calls == []
    assert "nothing to do" in done.text
    assert "wrote" not in done.text
    assert [one["id"] for one in tracked.api("/projects/")] == [one["id"] for one in before]


def test_a_stopped_bugsink_fires_and_resolves(tracked: Tracked) -> None:
    project, alert = tracked.project, ("BugsinkDown", "bugsink")

    def answers(value: str) -> bool:
        found = project.prometheus("query", query='probe_success{job="bugsink"}')["result"]
        return [one["value"][1] for one in found] == [value]

    eventually(lambda: answers("1"), "the probe succeeds")
    eventually(lambda: alert not in project.firing(), "BugsinkDown does not fire")
    assert project.run("docker", "stop", f"{project.name}-bugsink-1").code == 0
    eventually(lambda: alert in project.firing(), "BugsinkDown is active in Alertmanager")
    told = project.obsctl("check")
    assert told.code == 1, told.text
    assert "bugsink" in told.text
    tracked.up()
    eventually(lambda: alert not in project.firing(), "BugsinkDown is over")


def test_no_secret_is_told_or_shown(tracked: Tracked) -> None:
    values = [path.read_text() for path in (tracked.folder / "secrets").glob("[a-z]*")]
    shown = tracked.project.run("docker", "inspect", f"{tracked.project.name}-bugsink-1").text
    shown += tracked.project.run("docker", "logs", f"{tracked.project.name}-bugsink-1").text
    assert not [value for value in values if value in shown]


def test_its_secrets_are_rotated_and_the_dsns_stay(tracked: Tracked) -> None:
    names = ("bugsink_admin_password", "bugsink_api_token", "bugsink_secret_key")
    before = {name: tracked.secret(name) for name in (*names, "backend_sentry_dsn")}
    done = tracked.project.obsctl("secrets", "rotate", "--all")
    assert done.code == 0, done.text
    told = done.stdout.splitlines()
    assert [f"{name}: rotated" for name in names] == [one for one in told if "left" not in one]
    assert any(one.startswith("backend_sentry_dsn: left as it is") for one in told)
    assert {name for name, old in before.items() if tracked.secret(name) == old} == {
        "backend_sentry_dsn"
    }
    # The new password opens the page, the new token the API, the old DSN takes an event.
    assert tracked.problems() == {}
    tracked.put("bugsink_api_token", before["bugsink_api_token"])
    assert "bugsink-token" in tracked.problems()
    tracked.up()
    assert tracked.problems() == {}


def test_a_wrong_or_missing_dsn_is_told_and_the_next_up_mends_it(tracked: Tracked) -> None:
    good = tracked.secret("backend_sentry_dsn")
    tracked.put("backend_sentry_dsn", other_key(good))
    found = tracked.problems()
    assert {"dsn-differs", "dsn-refused"} <= found.keys()
    key = tracked.secret("backend_sentry_dsn").partition("//")[2].partition("@")[0]
    assert key not in str(found)
    (tracked.folder / "secrets" / "backend_sentry_dsn").unlink()
    assert "dsn-differs" in tracked.problems()
    assert "wrote secrets/backend_sentry_dsn" in tracked.up()
    assert tracked.secret("backend_sentry_dsn") == good


def test_what_no_longer_fits_bugsink_is_told(tracked: Tracked) -> None:
    for secret, code in (
        ("bugsink_admin_password", "bugsink-password"),
        ("bugsink_api_token", "bugsink-token"),
    ):
        good = tracked.secret(secret)
        tracked.put(secret, "0" * len(good))
        try:
            assert code in tracked.problems()
        finally:
            tracked.put(secret, good)
    number = tracked.secret("worker_sentry_dsn").rpartition("/")[2]
    tracked.rename(number, "renamed")
    try:
        assert tracked.problems().keys() == {"bugsink-project"}
    finally:
        tracked.rename(number, "worker")
    assert tracked.problems() == {}


def test_an_existing_sentry_by_its_dsn(tracked: Tracked) -> None:
    good = tracked.secret("backend_sentry_dsn")
    try:
        tracked.describe("{ sentry: { dsn: { secret: my_dsn } } }")
        missing = tracked.project.obsctl("up")
        assert missing.code == 3, missing.text
        assert "my_dsn" in missing.text
        tracked.put("my_dsn", "hunter2-hunter2")
        malformed = tracked.project.obsctl("up")
        assert malformed.code == 3, malformed.text
        assert "is no DSN" in malformed.text
        assert "hunter2" not in malformed.text
        tracked.put("my_dsn", good)
        assert tracked.problems() == {}
        tracked.put("my_dsn", other_key(good))
        assert tracked.problems().keys() == {"dsn-refused"}
        tracked.put("my_dsn", f"http://key@127.0.0.1:{free_port()}/1")
        assert tracked.problems().keys() == {"tracker-unreachable"}
    finally:
        tracked.describe(f"{{ bugsink: {{ port: {tracked.port} }} }}")


def test_after_its_data_is_gone_there_is_a_new_project(tracked: Tracked) -> None:
    before = tracked.secret("backend_sentry_dsn")
    down = tracked.project.obsctl("down", "--volumes")
    assert down.code == 0, down.text
    assert "made the project backend" in tracked.up()
    assert tracked.secret("backend_sentry_dsn") != before
    assert tracked.problems() == {}
