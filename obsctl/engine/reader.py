"""Reads from an Engine's unix socket without the SDK, whose import takes longer than the reads."""

import http.client
import json
import socket
import threading
import time
from contextlib import closing
from typing import Any, Final

from obsctl.engine.failures import EngineRefusal, reason_of, unreachable

_BAD_REQUEST: Final = 400
_PATIENCE_S: Final = 10.0  # with one request, before the Engine is asked whether it is alive


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

    def __init__(self, path: str, timeout_s: float, host: str = "") -> None:
        """`host` is what errors call the Engine; by default the socket."""
        self._path = path
        self._host = host or f"unix://{path}"
        self._timeout_s = timeout_s
        self._local = threading.local()

    def read(self, target: str, doing: str) -> Any:  # noqa: ANN401 - the shape is the Engine's
        """The JSON answer to GET `target`; `doing` completes "cannot ..." in an error."""
        status, body = self._answer(target)
        if status >= _BAD_REQUEST:
            raise EngineRefusal(doing, status, reason_of(body))
        try:
            return json.loads(body)
        except ValueError as error:
            raise unreachable(error, self._host, self._timeout_s) from error

    def close(self) -> None:
        """Close this thread's connection."""
        connection: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()

    def _answer(self, target: str) -> tuple[int, bytes]:
        connection: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if connection is not None:
            try:
                return _get(connection, target)
            except (http.client.HTTPException, OSError):
                connection.close()  # the Engine closed an idle connection: ask again on a new one
        self._local.connection = None
        asked_at = time.monotonic()
        while True:
            fresh = _UnixConnection(self._path, min(self._timeout_s, _PATIENCE_S))
            try:
                answer = _get(fresh, target)
            except (OSError, http.client.HTTPException) as error:
                fresh.close()
                left_s = asked_at + self._timeout_s - time.monotonic()
                # A busy Engine may take its time; one that does not even answer this, hangs.
                if isinstance(error, TimeoutError) and left_s > 0 and self._is_alive():
                    continue
                waited_s = round(time.monotonic() - asked_at)
                raise unreachable(error, self._host, waited_s) from error
            self._local.connection = fresh
            return answer

    def _is_alive(self) -> bool:
        with closing(_UnixConnection(self._path, _PATIENCE_S)) as connection:
            try:
                return _get(connection, "/_ping")[0] < _BAD_REQUEST
            except (OSError, http.client.HTTPException):
                return False


def _get(connection: http.client.HTTPConnection, target: str) -> tuple[int, bytes]:
    connection.request("GET", target)
    response = connection.getresponse()
    return response.status, response.read()
