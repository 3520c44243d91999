"""A shop of a user's: an Express app with the generated code, its load, and what stands for mongod.

The app is a process of this machine. Real here: Node, Express, prom-client and Sentry's SDK.
"""

import os
import signal
import socket
import socketserver
import struct
import subprocess
import threading
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tests.kit.apps import app_directory, node_program

_SERVER = Path(__file__).parent / "story" / "server.cjs"
_START_S = 20.0
ROW = 20  # requests that are in flight together


class AppFailed(RuntimeError):  # noqa: N818 - reads as the state of the app
    """The app does not run; the text says why."""


@dataclass(slots=True)
class Shop:
    """The running app."""

    process: "subprocess.Popen[bytes]"
    port: int
    said: Path

    def inject(self, percent: int) -> None:
        """From now on, this share of the orders fails."""
        url = f"http://127.0.0.1:{self.port}/inject?share={percent}"
        with urllib.request.urlopen(urllib.request.Request(url, method="POST"), timeout=5):
            pass

    def stop(self) -> None:
        """SIGTERM: it sends the log lines that wait, and ends."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)


class Outside(NamedTuple):
    """What the app meets: who scrapes it at `gateway`, the file with its DSN, its cache's port."""

    gateway: str
    dsn: Path
    redis: int


def start_shop(directory: Path, code: Path, port: int, outside: Outside) -> Shop:
    """Start it with the generated `code`; KitUnavailable without Node, AppFailed otherwise."""
    node = node_program()
    if listens(port):
        msg = f"another program listens on port {port}"
        raise AppFailed(msg)
    files = {path.name: path.read_text() for path in code.glob("*.cjs")}
    app_directory(directory, {**files, _SERVER.name: _SERVER.read_text()})
    # Thousands of good orders a second would be as many lines, more than the stand-ins can take.
    settings = {"PORT": str(port), "BIND": f"127.0.0.1,{outside.gateway}", "LOG_LEVEL": "warn"}
    settings |= {"SENTRY_DSN_FILE": str(outside.dsn), "REDIS_PORT": str(outside.redis)}
    said = directory / "said.txt"
    with said.open("wb") as stream:
        process = subprocess.Popen(
            [node, _SERVER.name],
            cwd=directory,
            env={**os.environ, **settings},
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a demo's app outlives the demo
        )
    shop = Shop(process, port, said)
    deadline = time.monotonic() + _START_S
    while not listens(port):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise AppFailed(f"the shop does not listen: {said.read_text()}")
        time.sleep(0.05)
    return shop


def listens(port: int, address: str = "127.0.0.1") -> bool:
    """Whether anybody takes connections there."""
    with socket.socket() as probe:
        return probe.connect_ex((address, port)) == 0


@dataclass(slots=True)
class Load:
    """Asks for orders until it is stopped; `pause_s` between rows of requests sets the rate."""

    port: int
    pause_s: float = 0.2
    asked: int = 0
    _ends: bool = False
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ends = True
        if self._thread:
            self._thread.join(10)

    def _run(self) -> None:
        while not self._ends:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
                    self._ask(connection)
            except OSError:
                time.sleep(0.1)

    def _ask(self, connection: socket.socket) -> None:
        stream = connection.makefile("rb")
        while not self._ends:
            row = range(self.asked, self.asked + ROW)
            text = "".join(f"HEAD /api/orders/{n} HTTP/1.1\r\nHost: x\r\n\r\n" for n in row)
            connection.sendall(text.encode())
            answered = 0
            while answered < ROW:
                line = stream.readline()
                if not line:
                    return
                answered += line == b"\r\n"
            self.asked += ROW
            time.sleep(self.pause_s)


class Mongod:
    """Says `hello` as a primary of MongoDB does, which is all that the exporter's stand-in asks."""

    def __init__(self, address: str, port: int) -> None:
        socketserver.ThreadingTCPServer.allow_reuse_address = True
        self._server = socketserver.ThreadingTCPServer((address, port), _Hello)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Hello(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        while len(header := self.rfile.read(16)) == 16:
            size, request = struct.unpack_from("<ii", header)
            self.rfile.read(size - 16)
            fields = b"\x01ok\0" + struct.pack("<d", 1.0)
            fields += b"\x08isWritablePrimary\0\x01"
            fields += b"\x02setName\0" + struct.pack("<i", 4) + b"rs0\0"
            document = struct.pack("<i", len(fields) + 5) + fields + b"\0"
            body = struct.pack("<I", 0) + b"\0" + document
            self.wfile.write(struct.pack("<iiii", len(body) + 16, 1, request, 2013) + body)
