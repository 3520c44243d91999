"""An Engine that does not run, does not let us in, hangs or talks nonsense: each its own words."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from obsctl.engine.client import Engine
from obsctl.errors import EngineError


@contextmanager
def listening(path: Path, answer: bytes | None) -> Iterator[None]:
    """A server that answers every connection with `answer`, or holds it and says nothing."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen()
    held: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                connection = server.accept()[0]
            except OSError:
                return
            held.append(connection)
            if answer is not None:
                connection.recv(65536)
                connection.sendall(answer)
                connection.close()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield
    finally:
        server.close()
        for connection in held:
            connection.close()


def refusal(monkeypatch: pytest.MonkeyPatch, host: str) -> str:
    monkeypatch.setenv("DOCKER_HOST", host)
    with pytest.raises(EngineError) as caught:
        Engine.open(0.5)
    return str(caught.value)


def test_not_running(monkeypatch: pytest.MonkeyPatch, short_path: Path) -> None:
    assert "is not running at" in refusal(monkeypatch, f"unix://{short_path}/none")
    dead = short_path / "dead"
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(dead))
    server.close()
    assert "is not running at" in refusal(monkeypatch, f"unix://{dead}")
    assert "is not running at" in refusal(monkeypatch, "tcp://127.0.0.1:1")


def test_hanging(monkeypatch: pytest.MonkeyPatch, short_path: Path) -> None:
    with listening(short_path / "s", None):
        assert "hangs: no answer within" in refusal(monkeypatch, f"unix://{short_path}/s")


@pytest.mark.parametrize("answer", [b"", b"hello\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\nno json"])
def test_nonsense(monkeypatch: pytest.MonkeyPatch, short_path: Path, answer: bytes) -> None:
    with listening(short_path / "s", answer):
        assert "no usable answer" in refusal(monkeypatch, f"unix://{short_path}/s")


@pytest.mark.parametrize("header", ["", "Api-Version: 1.24\r\n"])
def test_too_old(monkeypatch: pytest.MonkeyPatch, short_path: Path, header: str) -> None:
    body = b"{}" if header else b'{"ApiVersion": "1.24", "Version": "1.12"}'
    head = f"HTTP/1.1 200 OK\r\n{header}Content-Length: {len(body)}\r\n\r\n".encode()
    with listening(short_path / "s", head + body):
        assert "is too old: it has API 1.24" in refusal(monkeypatch, f"unix://{short_path}/s")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_no_permission(monkeypatch: pytest.MonkeyPatch, short_path: Path) -> None:
    path = short_path / "s"
    short_path.chmod(0o755)
    with listening(path, None):
        path.chmod(0o600)
        os.seteuid(65534)
        try:
            assert "no permission to use" in refusal(monkeypatch, f"unix://{path}")
        finally:
            os.seteuid(0)


def test_unknown_context(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setenv("DOCKER_CONTEXT", "nowhere")
    with pytest.raises(EngineError, match="no docker context `nowhere`"):
        Engine.open(0.5)
