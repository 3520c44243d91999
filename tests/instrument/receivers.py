"""What the apps under test send to: an input for log lines, and an endpoint for error events."""

import contextlib
import gzip
import json
import socket
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import Any

Json = dict[str, Any]


@dataclass(slots=True)
class LineReceiver:
    """Takes lines on a TCP port as Logstash's input does, or leaves them in the socket."""

    port: int = 0
    is_slow: bool = False
    lines: list[Json] = field(default_factory=list)
    connections: list[socket.socket] = field(default_factory=list)
    _listener: socket.socket | None = None

    def start(self) -> int:
        listener = socket.socket()
        # A small window, so that a slow receiver is soon noticed.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen()
        self._listener, self.port = listener, int(listener.getsockname()[1])
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return self.port

    def stop(self) -> None:
        """Hang up on everybody and listen no more."""
        if self._listener:
            self.connections.append(self._listener)
            self._listener = None
        for one in self.connections:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self.connections.clear()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            if not self.is_slow:
                threading.Thread(target=self._read, args=(connection,), daemon=True).start()

    def _read(self, connection: socket.socket) -> None:
        try:
            with connection.makefile("rb") as stream:
                for line in stream:
                    self.lines.append(json.loads(line))
        except (OSError, ValueError):
            return

    def messages(self) -> list[str]:
        return [line["message"] for line in self.lines]


@dataclass(slots=True)
class Envelopes:
    """Takes Sentry envelopes; `events` are the error events in them."""

    events: list[Json] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    _server: ThreadingHTTPServer | None = None

    def start(self) -> str:
        """The DSN to report to."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        self._server = server
        return f"http://{'k' * 32}@127.0.0.1:{server.server_port}/7"

    def stop(self) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()

    def take(self, path: str, body: bytes) -> None:
        self.paths.append(path)
        lines = [json.loads(line) for line in body.splitlines() if line.startswith(b"{")]
        for header, item in pairwise(lines):
            if header.get("type") == "event":
                self.events.append(item)


def _handler(envelopes: Envelopes) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            if self.headers.get("Transfer-Encoding") == "chunked":
                body = b"".join(_chunks(self.rfile))
            envelopes.take(self.path, body)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Nothing on the test's stderr."""

    return Handler


def _chunks(stream: Any) -> Any:  # noqa: ANN401 - an iterator over a file
    while size := int(stream.readline(), 16):
        yield stream.read(size)
        stream.readline()
    stream.readline()
