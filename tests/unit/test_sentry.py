"""The envelope of the error canary."""

import json
from datetime import UTC, datetime

from obsctl.health.canaries.sentry import envelope
from obsctl.project.dsn import Dsn

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_the_envelope_is_one_event_that_nobody_takes_for_a_real_one() -> None:
    request = envelope(Dsn("https://h.example.com/a", "7", "k"), "0" * 32, {"service": "shop"}, NOW)
    assert request.url == "https://h.example.com/a/api/7/envelope/"
    assert "sentry_key=k," in request.headers["X-Sentry-Auth"]
    head, item, payload, rest = request.body.split(b"\n")
    assert json.loads(head)["event_id"] == "0" * 32
    assert json.loads(item)["length"] == len(payload)
    event = json.loads(payload)
    assert event["tags"] == {"obsctl_canary": "0" * 32, "service": "shop"}
    assert (event["level"], event["fingerprint"]) == ("info", ["obsctl-canary"])
    assert rest == b""
