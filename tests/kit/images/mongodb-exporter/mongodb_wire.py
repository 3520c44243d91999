"""The MongoDB wire protocol as far as `hello` needs it: BSON and OP_MSG."""

from __future__ import annotations

import socket
import struct
from typing import Any

Json = Any

OP_MSG = 2013
LIMIT = 1 << 24
Document = dict[str, Any]


class WireError(Exception):
    """An answer that is no OP_MSG with a document."""


def encode_document(document: Document) -> bytes:
    """Return a document of strings, booleans, integers, floats and documents as BSON."""
    body = b"".join(_element(name, value) for name, value in document.items())
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def _element(name: str, value: Json) -> bytes:
    key = name.encode() + b"\0"
    if isinstance(value, bool):
        return b"\x08" + key + bytes([value])
    if isinstance(value, int):
        return b"\x10" + key + struct.pack("<i", value)
    if isinstance(value, float):
        return b"\x01" + key + struct.pack("<d", value)
    if isinstance(value, dict):
        return b"\x03" + key + encode_document(value)
    text = str(value).encode() + b"\0"
    return b"\x02" + key + struct.pack("<i", len(text)) + text


def decode_document(data: bytes) -> Document:
    """Return a BSON document; types without a plain value become None."""
    (size,) = struct.unpack_from("<i", data)
    document, at = {}, 4
    try:
        while data[at] and at < size - 1:
            kind = data[at]
            end = data.index(0, at + 1)
            name = data[at + 1 : end].decode()
            document[name], at = _value(kind, data, end + 1)
    except (IndexError, ValueError, struct.error) as error:
        raise WireError(f"bad BSON: {error}") from error
    return document


def _value(kind: int, data: bytes, at: int) -> tuple[Any, int]:
    fixed = {0x01: "<d", 0x10: "<i", 0x12: "<q", 0x09: "<q", 0x11: "<Q", 0x08: "<?"}
    if kind in fixed:
        return struct.unpack_from(fixed[kind], data, at)[0], at + struct.calcsize(fixed[kind])
    if kind in {0x0A, 0x06, 0xFF, 0x7F}:
        return None, at
    if kind in {0x07, 0x13}:
        return None, at + (12 if kind == 0x07 else 16)
    (size,) = struct.unpack_from("<i", data, at)
    if kind in {0x03, 0x04}:
        inner = decode_document(data[at : at + size])
        return (list(inner.values()) if kind == 0x04 else inner), at + size
    if kind in {0x02, 0x0D, 0x0E}:
        return data[at + 4 : at + 3 + size].decode(), at + 4 + size
    if kind == 0x05:
        return None, at + 5 + size
    raise WireError(f"unknown BSON type {kind:#x}")


def message(document: Document, request_id: int = 1, response_to: int = 0) -> bytes:
    """Return an OP_MSG with one document."""
    body = struct.pack("<I", 0) + b"\0" + encode_document(document)
    return struct.pack("<iiii", len(body) + 16, request_id, response_to, OP_MSG) + body


def read_message(stream: Json) -> Document:
    """Return the document of one OP_MSG from a binary stream."""
    header = stream.read(16)
    if len(header) < 16:
        raise WireError("connection closed")
    size, _, _, code = struct.unpack("<iiii", header)
    if code != OP_MSG or not 21 < size < LIMIT:
        raise WireError(f"unexpected opcode {code}")
    return decode_document(stream.read(size - 16)[5:])


def hello(host: str, port: int, timeout: float = 5.0) -> Document:
    """Ask a server who it is; raise OSError or WireError."""
    with socket.create_connection((host, port), timeout) as connection:
        connection.sendall(message({"hello": 1, "$db": "admin"}))
        with connection.makefile("rb") as stream:
            answer = read_message(stream)
    if answer.get("ok") != 1:
        raise WireError(f"hello was refused: {answer.get('errmsg', answer)}")
    return answer
