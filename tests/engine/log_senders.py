"""Sends one event the way that the usual log shippers do: TCP lines, GELF, Beats."""

import json
import socket
import struct
import zlib
from collections.abc import Mapping

Event = Mapping[str, object]
_TIMEOUT_S = 10


def send_lines(port: int, *events: Event) -> None:
    """JSON, one event a line, as a TCP appender writes it."""
    with socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT_S) as connection:
        for event in events:
            connection.sendall(json.dumps(event).encode() + b"\n")


def send_gelf(port: int, event: Event) -> None:
    """One compressed datagram, as Docker's gelf log driver sends it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(zlib.compress(json.dumps(event).encode()), ("127.0.0.1", port))


def send_beats(port: int, *events: Event) -> None:
    """A window of JSON frames in lumberjack v2, as Filebeat sends it; waits for the ack."""
    window = b"2W" + struct.pack(">I", len(events))
    frames = b""
    for number, event in enumerate(events, start=1):
        data = json.dumps(event).encode()
        frames += b"2J" + struct.pack(">II", number, len(data)) + data
    packed = zlib.compress(frames)
    with socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT_S) as connection:
        connection.sendall(window + b"2C" + struct.pack(">I", len(packed)) + packed)
        answer = b""
        while len(answer) < 6:
            answer += connection.recv(6 - len(answer)) or b"\0" * 6
    kind, sequence = answer[:2], struct.unpack(">I", answer[2:6])[0]
    if kind != b"2A" or sequence != len(events):
        raise OSError(f"the beats input acknowledged {sequence} of {len(events)}: {answer!r}")
