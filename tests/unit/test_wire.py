"""Answers as Engines give them, and as they must not be taken for one."""

import io

import pytest

from obsctl.engine.wire import Answer, read_answer

PING = b"HTTP/1.1 200 OK\r\nApi-Version: 1.51\r\nContent-Length: 2\r\n\r\nOK"


def answers(content: bytes) -> Answer:
    return read_answer(io.BytesIO(content))


def test_a_length_tells_where_the_next_answer_begins() -> None:
    stream = io.BytesIO(PING + PING)
    first, second = read_answer(stream), read_answer(stream)
    assert first == second == (200, {"api-version": "1.51", "content-length": "2"}, b"OK")
    assert stream.read() == b""


def test_chunks_and_trailers() -> None:
    head = b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n"
    stream = io.BytesIO(head + b'4\r\n{"me\r\nA;x=1\r\nssage":""}\r\n0\r\nX: y\r\n\r\n' + PING)
    found = read_answer(stream)
    assert (found.status, found.body) == (404, b'{"message":""}')
    assert stream.read() == PING


def test_without_a_length_it_ends_with_the_connection() -> None:
    assert answers(b"HTTP/1.0 200 OK\r\n\r\n[1,\r\n2]").body == b"[1,\r\n2]"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "closed in the middle"),
        (PING[:-1], "closed in the middle"),
        (PING[:20], "closed in the middle"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc", "closed in the middle"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "how long it is"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", "how long it is"),
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", "not HTTP"),
        (b"HTTP/1.1 OK\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"".join(b"H%d: x\r\n" % n for n in range(999)), "too many"),
    ],
)  # fmt: skip
def test_what_is_no_answer(content: bytes, words: str) -> None:
    with pytest.raises(ConnectionError, match=words):
        answers(content)
