"""Reads from an Engine's unix socket without the SDK, whose import takes longer than the reads."""

import http.client
import json
import select
import socket
import threading
from contextlib import closing
from typing import Any, Final, NamedTuple

from obsctl.engine.connection.failures import EngineRefusal, no_engine, reason_of, unreachable
from obsctl.engine.connection.pulse import PATIENCE_S, Pulse, Wait
from obsctl.errors import EngineError

_BAD_REQUEST: Final = 400
_FAILURES: Final = (OSError, http.client.HTTPException)


class _Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class SocketReader:
    """GET requests on a unix socket; one kept-open connection per thread."""

    def __init__(
        self, path: str, timeout_s: float, host: str = "", pulse: Pulse | None = None
    ) -> None:
        """`host` is what errors call the Engine; by default the socket.

        With a `pulse` an answer may begin late, as long as the Engine lives; without, within
        `timeout_s`.
        """
        self._path = path
        self._host = host or f"unix://{path}"
        self._timeout_s = timeout_s
        self._pulse = pulse
        self._local = threading.local()

    def read(self, target: str, doing: str) -> Any:  # noqa: ANN401 - the shape is the Engine's
        """The JSON answer to GET `target`; `doing` completes "cannot ..." in an error."""
        answer = self._answer(target, doing)
        if answer.status >= _BAD_REQUEST:
            raise EngineRefusal(doing, answer.status, reason_of(answer.body))
        try:
            return json.loads(answer.body)
        except ValueError as error:
            raise unreachable(error, self._host, self._timeout_s, doing) from error

    def ping(self) -> None:
        """OSError or HTTPException without an answer; any answer is one."""
        with closing(_UnixConnection(self._path, self._timeout_s)) as connection:
            connection.request("GET", "/_ping")
            connection.getresponse().read()

    def newest_api(self) -> str:
        """The newest API version of what answers; "" where it names none."""
        doing = "report its version"
        # The answer to /version takes an Engine fifty times as long.
        if found := self._answer("/_ping", doing).headers["Api-Version"]:
            return found
        try:
            return str(dict(self.read("/version", doing)).get("ApiVersion", ""))
        except EngineRefusal as refusal:
            raise no_engine(self._host, refusal.reason) from refusal

    def close(self) -> None:
        """Close this thread's connection."""
        connection: _UnixConnection | None = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()

    def _answer(self, target: str, doing: str) -> _Answer:
        connection: _UnixConnection | None = getattr(self._local, "connection", None)
        if connection is not None:
            try:
                return self._get(connection, target, doing)
            except _FAILURES:
                connection.close()  # the Engine closed an idle connection: ask again on a new one
        self._local.connection = None
        fresh = _UnixConnection(self._path, self._timeout_s)
        try:
            answer = self._get(fresh, target, doing)
        except _FAILURES as error:
            fresh.close()
            raise unreachable(error, self._host, self._timeout_s, doing) from error
        self._local.connection = fresh
        return answer

    def _get(self, connection: _UnixConnection, target: str, doing: str) -> _Answer:
        connection.request("GET", target)
        if self._pulse is not None:
            self._await(connection, self._pulse.waiting(doing))
        response = connection.getresponse()
        return _Answer(response.status, response.headers, response.read())

    def _await(self, connection: _UnixConnection, wait: Wait) -> None:
        """Until the answer begins; EngineError when the Engine hangs."""
        poll = select.poll()
        poll.register(connection.sock, select.POLLIN)
        while not poll.poll(PATIENCE_S * 1000):
            try:
                wait.look()
            except EngineError:
                connection.close()
                self._local.connection = None
                raise
