"""A proxy in front of the Engine's socket: counts mutating calls, and breaks them on request."""

import contextlib
import http.client
import re
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

_VERSION = re.compile(r"^/v[0-9.]+")
_LENGTH = re.compile(rb"^content-length:\s*(\d+)\s*$", re.IGNORECASE | re.MULTILINE)
_CHUNKED = re.compile(rb"^transfer-encoding:\s*chunked", re.IGNORECASE | re.MULTILINE)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("docker", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(self._path)


@dataclass(frozen=True)
class Call:
    """A request that changes something; `number` counts them from 1."""

    number: int
    method: str
    path: str
    body: bytes = b""


@dataclass
class Faults:
    """Called around each mutating call; an answer of `answer` is sent instead of the Engine's.

    `reading` is called before each GET with its path, and `told` may change what it answers.
    """

    before: Callable[[Call], None] = lambda _call: None
    after: Callable[[Call], None] = lambda _call: None
    answer: Callable[[Call], bytes | None] = lambda _call: None
    reading: Callable[[str], None] = lambda _path: None
    told: Callable[[str, bytes], bytes | None] | None = None


class Proxy:
    """Listens on `path`; `calls` are the mutating ones so far."""

    def __init__(self, path: Path, engine: str, faults: Faults | None = None) -> None:
        self.path = path
        self.calls: list[Call] = []
        self.faults = faults or Faults()
        self._engine = engine
        self._lock = threading.Lock()
        self._streams: list[socket.socket] = []
        proxy = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                proxy.serve(self.request)

        self._server = socketserver.ThreadingUnixStreamServer(str(path), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def docker_host(self) -> str:
        return f"unix://{self.path}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self.path.unlink(missing_ok=True)

    def cut_streams(self) -> int:
        """Cut off whoever follows the Engine's events; how many that were."""
        with self._lock:
            streams, self._streams = self._streams, []
        for stream in streams:
            with contextlib.suppress(OSError):
                stream.shutdown(socket.SHUT_RDWR)
        return len(streams)

    def serve(self, client: socket.socket) -> None:
        """Requests of one connection; the Engine's end is a connection of its own."""
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as engine,
        ):
            engine.connect(self._engine)
            answers = threading.Thread(target=_pump, args=(engine, client), daemon=True)
            pumping = False
            while request := _read_request(client):
                call = self._note(request, client)
                if call is None:
                    if changed := self._changed(request):
                        client.sendall(changed)
                        continue
                    engine.sendall(request)
                    if not pumping:
                        answers.start()
                        pumping = True
                    continue
                if not self._pass_on(call, request, client):
                    return
            if pumping:
                engine.shutdown(socket.SHUT_WR)
                answers.join(timeout=5)

    def _pass_on(self, call: Call, request: bytes, client: socket.socket) -> bool:
        """One mutating call on a connection of its own, so that its answer's end is seen."""
        self.faults.before(call)
        if (given := self.faults.answer(call)) is not None:
            client.sendall(given)
            return bool(given)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as engine:
            engine.connect(self._engine)
            head, _, body = request.partition(b"\r\n\r\n")
            lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"conn")]
            upgrade = b"upgrade: tcp" in head.lower()
            lines.append(b"Connection: Upgrade" if upgrade else b"Connection: close")
            engine.sendall(b"\r\n".join(lines) + b"\r\n\r\n" + body)
            answer = _read_all(engine, client if "images/create" in call.path or upgrade else None)
        self.faults.after(call)
        if answer:
            client.sendall(answer)
        return False

    def _changed(self, request: bytes) -> bytes | None:
        """Another answer than the Engine's to a GET, made out of its own; None leaves it be."""
        method, path = request.split(b" ", 2)[:2]
        plain = _VERSION.sub("", path.decode())
        if method != b"GET" or "/events" in plain or "/logs" in plain:
            return None
        self.faults.reading(plain)
        if self.faults.told is None:
            return None
        with contextlib.closing(_UnixConnection(self._engine)) as connection:
            connection.request("GET", path.decode())
            body = self.faults.told(plain, connection.getresponse().read())
        if body is None:
            return None
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        return head.encode() + b"\r\n\r\n" + body

    def _note(self, request: bytes, client: socket.socket) -> Call | None:
        head, _, body = request.partition(b"\r\n\r\n")
        method, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
        # Attach and exec start are POSTs too, and wait is a read with a verb.
        if method in {"GET", "HEAD"} or path.endswith("/wait"):
            if "/events" in path:
                with self._lock:
                    self._streams.append(client)
            return None
        with self._lock:
            call = Call(len(self.calls) + 1, method, _VERSION.sub("", path), body)
            self.calls.append(call)
        return call


def _pump(source: socket.socket, target: socket.socket) -> None:
    """An Engine that is killed resets its connections: whoever waits here hears of that too."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _read_all(engine: socket.socket, through: socket.socket | None) -> bytes:
    """The whole answer; with `through`, passed on as it comes and b"" returned."""
    pieces = []
    while data := engine.recv(65536):
        if through is not None:
            through.sendall(data)
        else:
            pieces.append(data)
    return b"".join(pieces)


def _read_request(client: socket.socket) -> bytes:
    """Head and body of the next request; b"" at the end of the connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = client.recv(65536)
        if not piece:
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    if _CHUNKED.search(head):
        while not body.endswith(b"0\r\n\r\n"):
            body += client.recv(65536)
        return head + b"\r\n\r\n" + body
    length = _LENGTH.search(head)
    missing = (int(length[1]) if length else 0) - len(body)
    while missing > 0:
        piece = client.recv(min(missing, 65536))
        if not piece:
            return b""
        body += piece
        missing -= len(piece)
    return head + b"\r\n\r\n" + body


@contextlib.contextmanager
def proxied(path: Path, engine_host: str, faults: Faults | None = None) -> Iterator[Proxy]:
    """A proxy for the block; `engine_host` is the Engine's `unix://...`."""
    proxy = Proxy(path, engine_host.removeprefix("unix://"), faults)
    try:
        yield proxy
    finally:
        proxy.close()
