"""The inputs of the Logstash stand-in: tcp and udp with codecs, beats (Lumberjack 2), gelf."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from logstash_config import Plugin
from logstash_event import Event, normalise, put, tag
from logstash_filters import decorate
from standin import log

Json = Any

Emit = Callable[[Event, Plugin], None]
DEFAULT_PORTS = {"beats": 5044, "gelf": 12201}
LIMIT = 1 << 20
CHUNK_HEADER = 12
CHUNK_AGE = 5.0


def decode(text: str, codec: Json) -> Iterator[Event]:
    """Yield the events of one line or datagram."""
    options = codec if isinstance(codec, dict) else {"codec": codec}
    if options["codec"] not in {"json", "json_lines"}:
        yield {"message": text, "event": {"original": text}}
        return
    try:
        value = json.loads(text)
    except ValueError:
        event: Event = {"message": text}
        tag(event, "_jsonparsefailure")
        yield event
        return
    for item in value if isinstance(value, list) else [value]:
        event = {} if options.get("target") or not isinstance(item, dict) else dict(item)
        if options.get("target"):
            put(event, options["target"], item)
        elif not isinstance(item, dict):
            event["message"] = text
        yield event


def gelf_event(data: bytes) -> Event:
    """Return a GELF message as an event: short_message is `message`, `_x` is `x`."""
    if data[:2] == b"\x1f\x8b" or data[:1] == b"\x78":
        data = zlib.decompress(data, zlib.MAX_WBITS | 32)
    body = json.loads(data.rstrip(b"\0"))
    event: Event = {k.removeprefix("_") if k != "_id" else k: v for k, v in body.items()}
    if isinstance(event.get("timestamp"), int | float):
        seconds = float(event.pop("timestamp"))
        utc = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
        event["@timestamp"] = f"{utc}.{int(seconds % 1 * 1000):03d}Z"
    text = event.pop("short_message", "")
    event["message"] = event.pop("full_message", "") or text
    return event


class Chunks:
    """Puts chunked GELF datagrams together; incomplete ones are forgotten after 5 s."""

    def __init__(self) -> None:
        self.waiting: dict[bytes, tuple[float, dict[int, bytes]]] = {}

    def add(self, data: bytes) -> bytes | None:
        """Return a whole message when this datagram completes one."""
        if data[:2] != b"\x1e\x0f" or len(data) < CHUNK_HEADER:
            return data
        identifier, number, count = data[2:10], data[10], data[11]
        now = time.monotonic()
        self.waiting = {k: v for k, v in self.waiting.items() if now - v[0] < CHUNK_AGE}
        parts = self.waiting.setdefault(identifier, (now, {}))[1]
        parts[number] = data[CHUNK_HEADER:]
        if len(parts) < count:
            return None
        del self.waiting[identifier]
        return b"".join(parts[index] for index in sorted(parts))


def lumberjack(read: Callable[[int], bytes]) -> Iterator[tuple[int, Event]]:
    """Yield (sequence, event) of Lumberjack 2 frames; raise EOFError at the end."""
    version, kind = read(1), read(1)
    if version != b"2":
        raise ValueError("not the Lumberjack 2 protocol")
    if kind == b"W":
        read(4)
    elif kind == b"J":
        sequence, size = struct.unpack(">II", read(8))
        yield sequence, json.loads(read(size))
    elif kind == b"C":
        (size,) = struct.unpack(">I", read(4))
        inner = Buffer(zlib.decompress(read(size)))
        while inner.left():
            yield from lumberjack(inner.read)
    else:
        raise ValueError(f"unknown frame {kind!r}")


class Buffer:
    """Bytes that are read like a stream."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def left(self) -> int:
        """Return how many bytes are unread."""
        return len(self.data) - self.at

    def read(self, size: int) -> bytes:
        """Return exactly `size` bytes; raise EOFError when there are fewer."""
        if self.left() < size:
            raise EOFError
        self.at += size
        return self.data[self.at - size : self.at]


class Input:
    """One listening plugin; `close` frees its port and ends its connections."""

    def __init__(self, plugin: Plugin, emit: Emit) -> None:
        self.plugin = plugin
        self.emit = emit
        options = plugin.options
        self.host = str(options.get("host", "0.0.0.0"))  # noqa: S104
        self.port = int(options.get("port") or DEFAULT_PORTS.get(plugin.name, 0))
        self.codec = options.get("codec", "json" if plugin.name == "gelf" else "line")
        self.udp = plugin.name in {"udp", "gelf"}
        self.open = True
        self.sockets: list[socket.socket] = []
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while self.open:
            try:
                self._receive() if self.udp else self._accept()
            except OSError as error:
                if self.open:
                    log(f"[ERROR][logstash.inputs.{self.plugin.name}] {self.port}: {error}")
                    time.sleep(1)

    def _bind(self, kind: socket.SocketKind) -> socket.socket:
        sock = socket.socket(socket.AF_INET, kind)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sockets.append(sock)
        sock.bind((self.host, self.port))
        log(f"[INFO ][logstash.inputs.{self.plugin.name}] Starting on {self.host}:{self.port}")
        return sock

    def _accept(self) -> None:
        listener = self._bind(socket.SOCK_STREAM)
        listener.listen(128)
        while self.open:
            connection, _ = listener.accept()
            self.sockets.append(connection)
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        try:
            self._beats(connection) if self.plugin.name == "beats" else self._lines(connection)
        except (OSError, EOFError, ValueError, zlib.error) as error:
            if not isinstance(error, EOFError) and self.open:
                log(f"[WARN ][logstash.inputs.{self.plugin.name}] {error}")
        finally:
            connection.close()
            if connection in self.sockets:
                self.sockets.remove(connection)

    def _lines(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as stream:
            while line := stream.readline(LIMIT):
                if not line.endswith(b"\n"):
                    return
                text = line.decode("utf-8", "replace").rstrip("\r\n")
                if text:
                    self._send(decode(text, self.codec))

    def _beats(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as stream:

            def read(size: int) -> bytes:
                data = stream.read(size)
                if len(data) < size:
                    raise EOFError
                return data

            while self.open:
                for sequence, event in lumberjack(read):
                    self._send(iter([event]))
                    connection.sendall(b"2A" + struct.pack(">I", sequence))

    def _receive(self) -> None:
        sock, chunks = self._bind(socket.SOCK_DGRAM), Chunks()
        while self.open:
            data, _ = sock.recvfrom(65536)
            try:
                if self.plugin.name == "gelf":
                    whole = chunks.add(data)
                    self._send(iter([gelf_event(whole)] if whole else []))
                else:
                    self._send(decode(data.decode("utf-8", "replace").rstrip("\n"), self.codec))
            except (ValueError, AttributeError, zlib.error) as error:
                log(f"[WARN ][logstash.inputs.{self.plugin.name}] bad datagram: {error}")

    def _send(self, events: Iterator[Event]) -> None:
        for event in events:
            normalise(event)
            decorate(event, self.plugin.options)
            if "tags" in self.plugin.options:
                tag(event, *self.plugin.options["tags"])
            if "type" in self.plugin.options:
                event.setdefault("type", self.plugin.options["type"])
            self.emit(event, self.plugin)

    def close(self) -> None:
        """Stop listening and end the connections."""
        self.open = False
        for sock in [*self.sockets]:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
