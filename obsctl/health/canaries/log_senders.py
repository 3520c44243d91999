"""One event into a log input, the way its shippers speak: TCP lines, Beats, GELF over UDP."""

import json
import socket
import struct
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Final

_CONNECT_S: Final = 3.0
_ACK: Final = struct.Struct(">2sI")

Place = tuple[str, int]
Event = Mapping[str, Any]


def send_tcp(place: Place, event: Event) -> None:
    """One line of JSON; the newline ends the event: without it Logstash waits for more."""
    with socket.create_connection(place, _CONNECT_S) as connection:
        connection.sendall(json.dumps(event).encode() + b"\n")


def send_beats(place: Place, event: Event) -> None:
    """A window of one frame in Lumberjack v2; OSError when it is not acknowledged."""
    data = json.dumps(event).encode()
    frame = struct.pack(">2sI2sII", b"2W", 1, b"2J", 1, len(data)) + data
    with socket.create_connection(place, _CONNECT_S) as connection:
        connection.sendall(frame)
        answer = b""
        while len(answer) < _ACK.size and (more := connection.recv(_ACK.size - len(answer))):
            answer += more
    if answer != _ACK.pack(b"2A", 1):
        raise ConnectionError("the event was not acknowledged")


def send_gelf(place: Place, event: Event) -> None:
    """One compressed datagram; nobody says whether it arrived."""
    labels = {f"_{key}": value for key, value in event["labels"].items()}
    message = {"version": "1.1", "host": "obsctl", "short_message": event["message"], **labels}
    family = socket.AF_INET6 if ":" in place[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sender:
        sender.sendto(zlib.compress(json.dumps(message).encode()), place)


SENDERS: Final[Mapping[str, Callable[[Place, Event], None]]] = {
    "tcp": send_tcp,
    "beats": send_beats,
    "gelf": send_gelf,
}
"""By the kind of a LogInput; each raises OSError where the input takes nothing."""
