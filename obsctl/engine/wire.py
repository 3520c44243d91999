"""HTTP/1.1 as far as GET on a unix socket needs it: http.client takes longer to import than to ask.

What an answer has to have is what an Engine's has; anything else is a ConnectionError.
"""

import socket
from typing import IO, Final, NamedTuple

_LINE_MAX: Final = 65536
_HEADERS_MAX: Final = 256


class Answer(NamedTuple):
    """`headers` by their name in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Wire:
    """One connection, opened at once; OSError for whatever fails with it."""

    def __init__(self, path: str, timeout_s: float) -> None:
        """`timeout_s` is for each wait, not for all of an answer."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.settimeout(timeout_s)
            self._socket.connect(path)
            self._stream = self._socket.makefile("rb")
        except BaseException:
            self._socket.close()
            raise
        self.is_open = True

    def fileno(self) -> int:
        """For select: readable once an answer begins."""
        return self._socket.fileno()

    def ask(self, target: str) -> None:
        """Send GET `target`, a path that is quoted already."""
        request = f"GET {target} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: identity\r\n\r\n"
        self._socket.sendall(request.encode("ascii"))

    def answer(self) -> Answer:
        """The whole answer to what was asked."""
        answer = read_answer(self._stream)
        if answer.headers.get("connection", "").lower() == "close" or not _has_end(answer.headers):
            self.close()
        return answer

    def close(self) -> None:
        """Close it; a second time does nothing."""
        self.is_open = False
        self._stream.close()
        self._socket.close()


def read_answer(stream: IO[bytes]) -> Answer:
    """One answer, and nothing of what follows it."""
    status = _status(_line(stream))
    headers = _headers(stream)
    return Answer(status, headers, _body(stream, headers))


def _line(stream: IO[bytes]) -> bytes:
    line = stream.readline(_LINE_MAX)
    if not line.endswith(b"\n"):
        raise ConnectionError("the connection was closed in the middle of an answer")
    return line.strip()


def _status(line: bytes) -> int:
    version, _, rest = line.partition(b" ")
    number = rest[:3]
    if not version.startswith(b"HTTP/1.") or not number.isdigit():
        raise ConnectionError("the answer is not HTTP")
    return int(number)


def _headers(stream: IO[bytes]) -> dict[str, str]:
    headers: dict[str, str] = {}
    while line := _line(stream).decode("latin-1"):
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
        if len(headers) > _HEADERS_MAX:
            raise ConnectionError("the answer has too many headers")
    return headers


def _has_end(headers: dict[str, str]) -> bool:
    return "content-length" in headers or "transfer-encoding" in headers


def _body(stream: IO[bytes], headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return b"".join(iter(lambda: _chunk(stream), b""))
    if not _has_end(headers):
        return stream.read()
    return _exactly(stream, _number(headers.get("content-length", "").encode(), 10))


def _chunk(stream: IO[bytes]) -> bytes:
    """The next piece; b"" at the end, once the trailers are read."""
    size = _number(_line(stream).partition(b";")[0], 16)
    if size == 0:
        _headers(stream)
        return b""
    piece = _exactly(stream, size)
    _line(stream)
    return piece


def _number(text: bytes, base: int) -> int:
    try:
        return int(text, base)
    except ValueError:
        raise ConnectionError("the answer does not tell how long it is") from None


def _exactly(stream: IO[bytes], size: int) -> bytes:
    found = stream.read(size)
    if len(found) < size:
        raise ConnectionError("the connection was closed in the middle of an answer")
    return found
