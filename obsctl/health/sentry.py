"""One error event to a Sentry-compatible tracker, the way that the SDKs send it; pure."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from obsctl import __version__
from obsctl.conventions import CANARY_LABEL, DOCKER_HOST_NAME
from obsctl.health.probe import Request

_CLIENT: Final = f"obsctl/{__version__}"
_PROJECT: Final = re.compile(r"(?P<prefix>.*)/(?P<project>[0-9]+)/?")


@dataclass(frozen=True, slots=True)
class Dsn:
    """Where events go: `base` is scheme, host, port and the path before the API."""

    base: str
    key: str
    project: str


def parse_dsn(text: str) -> Dsn | None:
    """https://KEY@HOST/PROJECT as this machine reaches it; None where it is none."""
    parts = urlsplit(text.strip())
    match = _PROJECT.fullmatch(parts.path)
    if parts.scheme not in ("http", "https") or not parts.username or match is None:
        return None
    # The name that containers know this machine by.
    host = parts.netloc.rpartition("@")[2].replace(DOCKER_HOST_NAME, "127.0.0.1")
    return Dsn(f"{parts.scheme}://{host}{match['prefix']}", parts.username, match["project"])


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
        "logentry": {"formatted": "obsctl check --deep: a test of error tracking"},
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
    url = f"{dsn.base}/api/{dsn.project}/envelope/"
    return Request(url, "POST", b"\n".join(lines), headers)
