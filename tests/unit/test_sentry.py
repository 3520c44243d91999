"""The envelope of the error canary, and the DSN that it goes to."""

import json
from datetime import UTC, datetime

import pytest

from obsctl.health.sentry import Dsn, envelope, parse_dsn

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "dsn"),
    [
        ("https://k@sentry.example.com/7", Dsn("https://sentry.example.com", "k", "7")),
        (
            "https://k:s@h.example.com:8443/a/b/7/\n",
            Dsn("https://h.example.com:8443/a/b", "k", "7"),
        ),
        ("http://k@host.docker.internal:8010/1", Dsn("http://127.0.0.1:8010", "k", "1")),
        ("https://sentry.example.com/7", None),
        ("https://k@sentry.example.com/", None),
        ("ftp://k@sentry.example.com/7", None),
        ("changeme", None),
    ],
)
def test_a_dsn_is_taken_apart(text: str, dsn: Dsn | None) -> None:
    assert parse_dsn(text) == dsn


def test_the_envelope_is_one_event_that_nobody_takes_for_a_real_one() -> None:
    request = envelope(Dsn("https://h.example.com/a", "k", "7"), "0" * 32, {"service": "shop"}, NOW)
    assert request.url == "https://h.example.com/a/api/7/envelope/"
    assert "sentry_key=k," in request.headers["X-Sentry-Auth"]
    head, item, payload, rest = request.body.split(b"\n")
    assert json.loads(head)["event_id"] == "0" * 32
    assert json.loads(item)["length"] == len(payload)
    event = json.loads(payload)
    assert event["tags"] == {"obsctl_canary": "0" * 32, "service": "shop"}
    assert (event["level"], event["fingerprint"]) == ("info", ["obsctl-canary"])
    assert rest == b""
