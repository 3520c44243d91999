"""HTTP base of the kit's stand-ins: routes, JSON, basic auth, faults on request, prompt stop."""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import signal
import ssl
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NoReturn
from urllib.parse import parse_qs, unquote, urlsplit

Json = Any
PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8"
CONTROL_PATH = "/__standin__/fault"


@dataclass(frozen=True)
class Request:
    """One request; `params` holds what the `{name}` parts of the route matched."""

    method: str
    path: str
    query: Mapping[str, list[str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    params: Mapping[str, str] = field(default_factory=dict)

    def arg(self, name: str, default: str = "") -> str:
        """Return the last value of a query argument."""
        return self.query.get(name, [default])[-1]

    def flag(self, name: str) -> bool:
        """Tell whether a query argument is there and not `false`."""
        return name in self.query and self.arg(name).lower() != "false"

    def json(self) -> Json:
        """Return the decoded body, `{}` when there is none; raise HttpError 400 on bad JSON."""
        try:
            return json.loads(self.body) if self.body.strip() else {}
        except ValueError as error:
            raise HttpError(400, {"message": f"bad request data: {error}"}) from error

    def basic(self) -> tuple[str, str] | None:
        """Return (user, password) of HTTP basic auth, or None."""
        scheme, _, value = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            user, colon, password = base64.b64decode(value).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return (user, password) if colon else None


@dataclass(frozen=True)
class Response:
    """One answer: `bytes` and `str` bodies go out as they are, anything else as JSON."""

    status: int = 200
    body: Json = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def encode(self) -> tuple[dict[str, str], bytes]:
        """Return the headers with their Content-Type, and the bytes of the body."""
        if isinstance(self.body, bytes):
            default, data = "application/octet-stream", self.body
        elif isinstance(self.body, str):
            default, data = "text/plain; charset=utf-8", self.body.encode()
        else:
            default, data = "application/json", json.dumps(self.body).encode()
        return {"Content-Type": default, **self.headers}, data


class HttpError(Exception):
    """An answer raised from inside a handler."""

    def __init__(self, status: int, body: Json, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"HTTP {status}")
        self.response = Response(status, body, headers or {})


Handler = Callable[[Request], Response]


class Faults:
    """The misbehaviour asked for: a set of names, some with a number (`slow:0.5`)."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.names = self.parse(names)

    @staticmethod
    def parse(names: Iterable[str]) -> dict[str, float]:
        """Turn `["slow:2", "unhealthy"]` into `{"slow": 2.0, "unhealthy": 0.0}`."""
        pairs = (name.strip().partition(":") for name in names if name.strip())
        return {name: float(value or 0) for name, _, value in pairs}

    @classmethod
    def from_environment(cls) -> Faults:
        """Read `STANDIN_FAULT`, a comma list."""
        return cls(os.environ.get("STANDIN_FAULT", "").split(","))

    def __contains__(self, name: str) -> bool:
        return name in self.names


class App:
    """Routes and their handlers; `handle` is pure but for what the handlers do."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.routes: list[tuple[frozenset[str], re.Pattern[str], Handler]] = []
        self.common_headers: dict[str, str] = {}
        self.on_faults: Callable[[], None] = lambda: None

    def route(self, methods: str, pattern: str, handler: Handler) -> None:
        """Add a route: methods as `GET|POST`, pattern with `{name}` and `{name*}` (spans `/`)."""
        quoted = re.sub(r"\{(\w+)\*\}", r"(?P<\1>.+)", pattern)
        regex = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", quoted))
        self.routes.append((frozenset(methods.split("|")), regex, handler))

    def not_found(self, request: Request) -> Response:
        """Answer what no route knows; components override it."""
        return Response(404, {"message": "Not found", "path": request.path})

    def before(self, request: Request) -> Request:
        """Check or change a request before it is routed; components override it."""
        return request

    def handle(self, request: Request) -> Response:
        """Answer one request; every error becomes a response."""
        if request.path == CONTROL_PATH:
            return self._control(request)
        if delay := self.faults.names.get("slow"):
            time.sleep(delay)
        try:
            response = self._dispatch(self.before(request))
        except HttpError as error:
            response = error.response
        except Exception:  # noqa: BLE001 - a server outlives its handlers
            log(traceback.format_exc())
            response = Response(500, {"message": "stand-in: internal error, see the log"})
        return Response(response.status, response.body, {**self.common_headers, **response.headers})

    def _dispatch(self, request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        for methods, regex, handler in self.routes:
            match = regex.fullmatch(request.path) if method in methods else None
            if match:
                params = {key: unquote(value) for key, value in match.groupdict().items()}
                return handler(
                    Request(
                        method, request.path, request.query, request.headers, request.body, params
                    )
                )
        return self.not_found(request)

    def _control(self, request: Request) -> Response:
        if request.method == "POST":
            try:
                self.faults.names = self.faults.parse(request.json()["faults"])
            except (HttpError, KeyError, TypeError, ValueError, AttributeError):
                return Response(400, {"error": 'expected {"faults": ["name", "slow:<seconds>"]}'})
            self.on_faults()
            if "crash" in self.faults:
                threading.Timer(self.faults.names["crash"] or 0.05, crash).start()
        return Response(200, {"faults": self.faults.names})


def words(text: str) -> frozenset[str]:
    """Return the words of a text as a set."""
    return frozenset(text.split())


def crash() -> NoReturn:
    """End the process the way a fatal error does."""
    log("stand-in: crash was asked for")
    sys.stdout.flush()
    os._exit(1)


def log(message: str) -> None:
    """Write one line to stdout at once."""
    print(message, flush=True)


def fail(message: str, code: int = 1) -> NoReturn:
    """Say why the process can't start, and end it."""
    print(message, file=sys.stderr, flush=True)
    raise SystemExit(code)


def make_handler(app: App) -> type[BaseHTTPRequestHandler]:
    """Bind an App to the standard library's HTTP server."""

    class Binding(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 120
        disable_nagle_algorithm = True
        wbufsize = -1

        def answer(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            query = parse_qs(parts.query, keep_blank_values=True)
            body = self.rfile.read(length)
            response = app.handle(Request(self.command, parts.path, query, headers, body))
            fields, data = response.encode()
            self.send_response_only(response.status)
            for name, value in {**fields, "Content-Length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = answer  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Keep access lines out of the log."""

    return Binding


class Server(ThreadingHTTPServer):
    """One thread per connection; none of them holds up the end of the process."""

    daemon_threads = True
    request_queue_size = 256
    tls: ssl.SSLContext | None = None

    def finish_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as the base's
        """Encrypt first where that is asked for; whoever speaks plainly is cut off."""
        if self.tls is None:
            return super().finish_request(request, client_address)
        request.settimeout(10)
        try:
            encrypted = self.tls.wrap_socket(request, server_side=True)
        except OSError as error:
            return log(f"closing connection of {client_address[0]}: {error}")
        with encrypted:
            return super().finish_request(encrypted, client_address)


def serve(
    app: App, host: str, port: int, exit_code: int = 0, tls: ssl.SSLContext | None = None
) -> None:
    """Serve until SIGTERM or SIGINT, then end with `exit_code`; crash first when asked to."""
    if "crash" in app.faults:
        delay = app.faults.names["crash"]
        threading.Timer(delay, crash).start() if delay else crash()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(exit_code))
    server = Server((host, port), make_handler(app))
    server.tls = tls
    server.serve_forever(poll_interval=3600)
