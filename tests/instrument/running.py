"""Apps under test: started with the generated code, asked over HTTP, ended in an orderly way."""

import http.client
import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PATIENCE_S = 30.0
_SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

Labels = frozenset[tuple[str, str]]


@dataclass(slots=True)
class RunningApp:
    """A process, its port, and the file that holds what it says."""

    process: "subprocess.Popen[bytes]"
    port: int
    said: Path

    @property
    def text(self) -> str:
        return self.said.read_text()

    def get(self, path: str, port: int | None = None) -> tuple[int, str]:
        """Status and body; an answer that breaks off has the status 0."""
        url = f"http://127.0.0.1:{port or self.port}{path}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return int(answer.status), answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except (http.client.HTTPException, ConnectionResetError):
            return 0, ""

    def abandon(self, path: str) -> None:
        """Ask, and hang up once the request has been sent."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            connection.settimeout(0.3)
            try:
                connection.recv(1)
            except TimeoutError:
                return

    def samples(self, name: str, port: int | None = None) -> dict[Labels, float]:
        """The samples of one metric, by their labels."""
        status, text = self.get("/metrics", port)
        assert status == 200, text
        return {
            frozenset(_LABEL.findall(labels)): float(value)
            for found, labels, value in _SAMPLE.findall(text)
            if found == name
        }

    def stop(self) -> int:
        """The exit code after SIGTERM."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


def start(
    command: Sequence[str], directory: Path, port: int, environment: Mapping[str, str]
) -> RunningApp:
    """Start an app on `port` and wait until it listens."""
    said = directory / f"said-{port}.txt"
    clean = {key: value for key, value in os.environ.items() if not key.startswith("SENTRY_")}
    with said.open("wb") as stream:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env={**clean, "PORT": str(port), **environment},
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    app = RunningApp(process, port, said)
    try:
        until(lambda: is_listening(port) or _has_ended(app), "the app listens")
    except BaseException:
        process.kill()
        raise
    return app


def _has_ended(app: RunningApp) -> bool:
    assert app.process.poll() is None, app.text
    return False


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def until(holds: Callable[[], object], what: str) -> None:
    """Ask until the claim holds."""
    deadline = time.monotonic() + _PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, f"not within {_PATIENCE_S:.0f} s: {what}"
        time.sleep(0.05)
