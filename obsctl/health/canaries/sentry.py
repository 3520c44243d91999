"""One error event to a Sentry-compatible tracker, the way that the SDKs send it; pure."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from obsctl import __version__
from obsctl.conventions import CANARY_LABEL
from obsctl.health.asking.probe import Request
from obsctl.project.dsn import Dsn

MESSAGE: Final = "obsctl check --deep: a test of error tracking"
_CLIENT: Final = f"obsctl/{__version__}"


def envelope(dsn: Dsn, mark: str, tags: Mapping[str, str], now: datetime) -> Request:
    """A message of level info; `mark` is 32 hexadecimal digits, `now` has a time zone.

    All of them have one fingerprint, so that they are one issue however often it is tried.
    """
    event = {
        "event_id": mark,
        "timestamp": now.isoformat(),
        "platform": "other",
        "level": "info",
        "logger": "obsctl",
        "logentry": {"formatted": MESSAGE},
        "fingerprint": ["obsctl-canary"],
        "tags": {CANARY_LABEL: mark, **tags},
    }
    payload = json.dumps(event).encode()
    head = {"event_id": mark, "sent_at": now.isoformat()}
    item = {"type": "event", "length": len(payload), "content_type": "application/json"}
    lines = (json.dumps(head).encode(), json.dumps(item).encode(), payload, b"")
    headers = {
        "Content-Type": "application/x-sentry-envelope",
        "X-Sentry-Auth": f"Sentry sentry_version=7, sentry_key={dsn.key}, sentry_client={_CLIENT}",
    }
    return Request(dsn.envelope_url, "POST", b"\n".join(lines), headers)
