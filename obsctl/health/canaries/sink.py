"""A receiver on this machine, for as long as somebody listens: what Alertmanager sends arrives."""

import json
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Condition, Thread
from typing import Any, Final

from obsctl.conventions import CANARY_LABEL, DOCKER_HOST_NAME

_LOOPBACK: Final = "127.0.0.1"
_MAX_BODY_BYTES: Final = 2**20
_POLL_S: Final = 0.05
_MODE: Final = 0o644  # Alertmanager reads it as its own user
_OK, _NOT_FOUND, _TOO_LARGE = 200, 404, 413


@dataclass(slots=True)
class Sink:
    """When each test alert has arrived, by its mark; `url` is how a container reaches it."""

    url: str = ""
    path: str = field(default_factory=lambda: f"/{secrets.token_urlsafe(16)}")
    _arrivals: dict[str, float] = field(default_factory=dict)
    _changed: Condition = field(default_factory=Condition)

    def take(self, body: bytes) -> None:
        """Keep the alerts of one notification; ValueError when it is none."""
        document = json.loads(body)
        if not isinstance(document, dict):
            raise ValueError  # noqa: TRY004 - of the body, whatever it is
        alerts: list[Any] = document.get("alerts") or []
        with self._changed:
            for alert in alerts:
                labels = alert.get("labels") or {}
                self._arrivals.setdefault(labels.get(CANARY_LABEL, ""), time.monotonic())
            self._changed.notify_all()

    def arrival(self, mark: str, deadline: float) -> float | None:
        """When the mark came first, on the monotonic clock; None when it has not come in time."""
        with self._changed:
            left_s = max(deadline - time.monotonic(), 0.0)
            self._changed.wait_for(lambda: mark in self._arrivals, left_s)
            return self._arrivals.get(mark)


@contextmanager
def listening(addresses: Iterable[str], url_file: Path) -> Iterator[Sink]:
    """Listen on the first of `addresses` that is this machine's, else on loopback.

    While it lasts, `url_file` tells Alertmanager where; OSError when it cannot be written.
    """
    sink = Sink()
    server = _server(sink, (*addresses, _LOOPBACK))
    sink.url = f"http://{DOCKER_HOST_NAME}:{server.server_address[1]}{sink.path}"
    thread = Thread(target=server.serve_forever, args=(_POLL_S,), daemon=True)
    thread.start()
    try:
        with _told(url_file, sink.url):
            yield sink
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def _told(file: Path, url: str) -> Iterator[None]:
    file.write_text(url, encoding="utf-8")
    try:
        file.chmod(_MODE)
        yield
    finally:
        file.unlink(missing_ok=True)


def _server(sink: Sink, addresses: Iterable[str]) -> ThreadingHTTPServer:
    error: OSError | None = None
    for address in addresses:
        try:
            return ThreadingHTTPServer((address, 0), _handler(sink))
        except OSError as failure:
            # Where Docker runs in a virtual machine, its bridge is not one of ours.
            error = failure
    raise error or OSError("there is no address to listen on")


def _handler(sink: Sink) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(self._status())
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _status(self) -> int:
            if not secrets.compare_digest(self.path, sink.path):
                return _NOT_FOUND
            size = int(self.headers.get("Content-Length") or 0)
            if not 0 <= size <= _MAX_BODY_BYTES:
                return _TOO_LARGE
            try:
                sink.take(self.rfile.read(size))
            except ValueError:
                return _NOT_FOUND
            return _OK

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base has it
            """Say nothing: the check tells what arrived."""

    return Handler
