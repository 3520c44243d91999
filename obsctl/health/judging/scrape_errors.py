"""What Prometheus's lastError of a target means: a cause of the catalogue; pure."""

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from obsctl.conventions import DOCKER_HOST_NAME

# What Go says -> the cause. The first that is found decides, so the special come first.
_PATTERNS: Final = tuple(
    (re.compile(pattern), code)
    for pattern, code in (
        (r"connect: connection refused", "target-refused"),
        (r"no such host|server misbehaving|Temporary failure in name resolution", "target-name"),
        (r"no route to host|network is unreachable", "target-no-route"),
        (r"server gave HTTP response to HTTPS client|does not look like a TLS", "target-not-tls"),
        (r"x509:|tls: |remote error: tls", "target-certificate"),
        (r"malformed HTTP|transport connection broken|: EOF$|connection reset", "target-not-http"),
        (r"HTTP status (?P<status>401|403)", "target-credentials"),
        (r"HTTP status (?P<status>404)", "target-path"),
        (r"HTTP status (?P<status>\d+)", "target-status"),
        (r'unsupported Content-Type "(?P<type>[^"]*)"|blank Content-Type', "target-content-type"),
        (r"expected .*, got |while parsing|invalid metric|end of input", "target-not-metrics"),
        (r"limit exceeded|exceeded .* limit", "target-limit"),
        (r"deadline exceeded|i/o timeout|Client\.Timeout", "target-timeout"),
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A cause, and the values of its placeholders."""

    code: str
    values: dict[str, object] = field(default_factory=dict)


def diagnose(last_error: str, scrape_url: str) -> Diagnosis:
    """The cause behind the lastError of a target of /api/v1/targets."""
    parts = urlsplit(scrape_url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    on_host = host == DOCKER_HOST_NAME
    values: dict[str, object] = {
        "host": host,
        "port": port,
        "place": f"port {port} of the Docker host" if on_host else f"{host}:{port}",
        "path": parts.path or "/",
        "scheme": parts.scheme,
    }
    for pattern, code in _PATTERNS:
        if match := pattern.search(last_error):
            found = match.groupdict()
            return Diagnosis(code, {**values, "status": found.get("status"), "type": _type(found)})
    return Diagnosis("target-down", values)


def _type(found: dict[str, str | None]) -> str:
    return found.get("type") or "none"
