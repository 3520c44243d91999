"""The elasticsearch output of the Logstash stand-in: real bulk requests, retried with back-off."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from logstash_config import Plugin
from logstash_event import Event, get, interpolate, listed
from logstash_plugins import is_data_stream
from standin import log
from standin_http import UnreachableError, call, decoded
from standin_tls import trusting

DONE = {200, 201, 409}
DEAD = {400, 404}
UNSAFE = '"*,/:<>?\\| #'


def hosts(options: dict[str, Any]) -> list[str]:
    """Return the URLs of the hosts, with scheme and port."""
    scheme = "https" if str(options.get("ssl_enabled", "false")) == "true" else "http"
    urls = [str(h) for h in listed(options.get("hosts", "127.0.0.1"))]
    full = [url if "://" in url else f"{scheme}://{url}" for url in urls]
    return [url if ":" in url.split("://")[1] else f"{url.rstrip('/')}:9200" for url in full]


def target(event: Event, options: dict[str, Any]) -> str | None:
    """Return where an event goes: its data stream, or its index; None when it can't be named."""
    if not is_data_stream(options):
        name = str(interpolate(options.get("index", "logstash-%{+yyyy.MM.dd}"), event))
        return None if "%{" in name else name
    routed = str(options.get("data_stream_auto_routing", "true")) == "true"
    parts = []
    for part, default in (("type", "logs"), ("dataset", "generic"), ("namespace", "default")):
        own = get(event, f"[data_stream][{part}]") if routed else None
        valid = isinstance(own, str) and own and not set(own) & set(UNSAFE)
        parts.append(str(own if valid else options.get(f"data_stream_{part}", default)))
    return "-".join(parts)


def document(event: Event, options: dict[str, Any], name: str) -> Event:
    """Return an event as it is stored: without metadata, with its data_stream fields in step."""
    body = {key: value for key, value in event.items() if key != "@metadata"}
    if is_data_stream(options) and str(options.get("data_stream_sync_fields", "true")) == "true":
        kind, dataset, namespace = name.split("-", 2)
        body["data_stream"] = {"type": kind, "dataset": dataset, "namespace": namespace}
    return body


class Elasticsearch:
    """One output; `send` returns when every event is stored or given up."""

    def __init__(self, plugin: Plugin, running: Callable[[], bool]) -> None:
        self.plugin = plugin
        self.options = plugin.options
        self.running = running
        self.urls = hosts(plugin.options)
        self.trust = trusting(listed(plugin.options.get("ssl_certificate_authorities", [])))
        self.turn = 0
        self.blocked_since = 0.0
        self.dead = 0
        self.successes = 0
        self.failures = 0

    def send(self, events: list[Event]) -> bool:
        """Store events; False when the pipeline was stopped before all were."""
        waiting: list[tuple[str, Event]] = []
        for event in events:
            if name := target(event, self.options):
                waiting.append((name, document(event, self.options, name)))
            else:
                self._give_up(
                    "Badly formatted index, after interpolation still contains placeholder"
                )
        pause = float(self.options.get("retry_initial_interval", 2))
        while waiting := self._once(waiting) if waiting else waiting:
            self.blocked_since = self.blocked_since or time.monotonic()
            if not self.running():
                return False
            self._pause(pause)
            pause = min(pause * 2, float(self.options.get("retry_max_interval", 64)))
        self.blocked_since = 0.0
        return True

    def _pause(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while self.running() and time.monotonic() < deadline:
            time.sleep(0.05)
            if self.turn % 4 == 0 and self._alive():
                return
            self.turn += 1

    def _alive(self) -> bool:
        try:
            return (
                call("HEAD", self.urls[0], auth=self._auth(), timeout=1, trust=self.trust)[0] == 200
            )
        except UnreachableError:
            return False

    def _auth(self) -> tuple[str, str] | None:
        user = self.options.get("user")
        return (str(user), str(self.options.get("password"))) if user else None

    def _once(self, waiting: list[tuple[str, Event]]) -> list[tuple[str, Event]]:
        """Send one bulk request; return what has to be sent again."""
        stream = is_data_stream(self.options)
        verb = "create" if stream else str(self.options.get("action", "index"))
        lines = []
        for name, body in waiting:
            place: dict[str, Any] = {"_index": name}
            if self.options.get("document_id"):
                place["_id"] = interpolate(self.options["document_id"], body)
            lines += [json.dumps({verb: place}), json.dumps(body)]
        url = self.urls[self.turn % len(self.urls)].rstrip("/") + "/_bulk"
        headers = {"Content-Type": "application/x-ndjson"}
        data = "\n".join(lines).encode() + b"\n"
        try:
            status, answer = call(
                "POST",
                url,
                data,
                headers=headers,
                auth=self._auth(),
                timeout=60,
                trust=self.trust,
            )
        except UnreachableError as error:
            return self._retry(waiting, f"Elasticsearch UnreachableError: [{url}][{error}]")
        if status != 200:
            return self._retry(waiting, f"Encountered a retryable error code={status} url={url}")
        return self._sort_out(waiting, decoded(answer)["items"])

    def _retry(self, waiting: list[tuple[str, Event]], reason: str) -> list[tuple[str, Event]]:
        self.turn += 1
        self.failures += 1
        log(f"[ERROR][logstash.outputs.elasticsearch] {reason}; retrying")
        return waiting

    def _sort_out(
        self, waiting: list[tuple[str, Event]], items: list[dict[str, Any]]
    ) -> list[tuple[str, Event]]:
        again = []
        self.successes += 1
        for entry, item in zip(waiting, items, strict=True):
            result = next(iter(item.values()))
            if result["status"] in DEAD:
                self._give_up(f"Could not index event: {json.dumps(result['error'])}")
            elif result["status"] not in DONE:
                reason = result["error"]["reason"]
                log(f"[INFO ][logstash.outputs.elasticsearch] Retrying failed action: {reason}")
                again.append(entry)
        return again

    def _give_up(self, reason: str) -> None:
        self.dead += 1
        log(f"[WARN ][logstash.outputs.elasticsearch] {reason}")
