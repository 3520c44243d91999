"""What a shop has around it: customers, the team's webhook, and what stands for its MongoDB.

A process of its own, which goes on when the demo has ended: `python -m tests.demo.neighbours`.
"""

import json
import signal
import sys
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.kit.shop import Load, Mongod

_PAUSE_S = 10.0  # between rows of orders: two a second, so that dashboards show something


@dataclass(frozen=True, slots=True)
class Places:
    """`gateway` is this machine as containers reach it; `told` collects the notifications."""

    gateway: str
    app: int
    webhook: int
    mongodb: int
    told: Path


def command(places: Places) -> list[str]:
    """The command line of the process."""
    ports = map(str, (places.app, places.webhook, places.mongodb))
    module = "tests.demo.neighbours"
    return [sys.executable, "-m", module, places.gateway, *ports, str(places.told)]


def notifications(told: Path) -> list[Any]:
    """What Alertmanager has posted so far, the oldest first."""
    try:
        text = told.read_text()
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in text.splitlines()]


def main() -> None:
    gateway, app, webhook, mongodb, told = sys.argv[1:]
    server = ThreadingHTTPServer((gateway, int(webhook)), _handler(Path(told)))
    mongod = Mongod(gateway, int(mongodb))
    load = Load(int(app), _PAUSE_S)
    load.start()
    done = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: done.set())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    done.wait()
    mongod.stop()


def _handler(told: Path) -> type[BaseHTTPRequestHandler]:
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock, told.open("a") as stream:
                stream.write(f"{json.dumps(body)}\n")
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Nothing: what was told is in the file."""

    return Handler


if __name__ == "__main__":
    main()
