"""Error tracking of a real Express app: what arrives at the tracker, and DSNs that are none."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.instrument.conftest import StartApp
from tests.instrument.receivers import Envelopes
from tests.instrument.running import until

OFF = "error tracking: off"


@pytest.mark.parametrize("traces", ["0", "1"])
@pytest.mark.parametrize("express", ["express", "express4"])
def test_errors_arrive_at_the_tracker(
    traces: str, express: str, envelopes: Envelopes, start_app: StartApp
) -> None:
    environment = {"SENTRY_DSN": envelopes.start(), "SENTRY_RELEASE": "web@1.2.3"}
    app = start_app("edges.cjs", EXPRESS=express, SENTRY_TRACES_SAMPLE_RATE=traces, **environment)
    assert app.get("/users/13")[0] == 500
    assert app.get("/reported")[0] == 200
    until(lambda: len(envelopes.events) >= 3, "three events")
    (thrown,) = (e for e in envelopes.events if told(e) == "no user 13")
    assert thrown["environment"] == "trial"
    assert thrown["release"] == "web@1.2.3"
    assert thrown["tags"]["service"] == "web"
    assert thrown["exception"]["values"][0]["mechanism"]["handled"] is False
    assert thrown["request"]["url"].endswith("/users/13")  # each event has its own request
    by_hand = next(e for e in envelopes.events if told(e) == "reported by hand")
    assert by_hand["level"] == "warning"
    assert by_hand["request"]["url"].endswith("/reported")
    assert by_hand["contexts"]["app"]["order"] == 7
    message = next(e for e in envelopes.events if told(e) == "told by hand")
    assert message["level"] == "info"  # an unknown level is no reason to lose it
    assert all(path.startswith("/api/7/envelope/") for path in envelopes.paths)
    assert OFF not in app.text


def told(event: Mapping[str, object]) -> object:
    exception = event.get("exception")
    if isinstance(exception, dict):
        return exception["values"][0]["value"]
    return event.get("message")


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "neither SENTRY_DSN nor SENTRY_DSN_FILE is set"),
        ({"SENTRY_DSN": "hunter2"}, "not of the form"),
        ({"SENTRY_DSN": "https://hunter2@"}, "not of the form"),
        ({"SENTRY_DSN": "https://hunter2@tracker.example.com/project"}, "not of the form"),
        ({"SENTRY_DSN": "ftp://hunter2@tracker.example.com/1"}, "not of the form"),
        ({"SENTRY_DSN_FILE": "/nowhere/dsn"}, "no such file"),
    ],
)
def test_without_a_usable_dsn_the_app_starts_and_says_so_once(
    environment: Mapping[str, str], said: str, start_app: StartApp
) -> None:
    app = start_app("edges.cjs", **environment)
    assert app.get("/users/13")[0] == 500
    assert app.get("/reported")[0] == 200
    assert app.text.count(OFF) == 1
    assert said in app.text
    assert "hunter2" not in app.text


def test_the_dsn_comes_from_a_file_and_an_absent_tracker_harms_nothing(
    tmp_path: Path, start_app: StartApp
) -> None:
    (tmp_path / "dsn").write_text("http://key@127.0.0.1:9/1\n")
    app = start_app("edges.cjs", SENTRY_DSN_FILE=str(tmp_path / "dsn"), SENTRY_SAMPLE_RATE="2")
    assert app.get("/users/13")[0] == 500
    assert app.get("/ok") == (200, "ok")
    assert app.text.count("SENTRY_SAMPLE_RATE must be a number from 0 to 1") == 1
    assert OFF not in app.text
    assert app.stop() == 0
