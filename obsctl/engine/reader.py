"""Reads from an Engine's unix socket without the SDK, whose import takes longer than the reads."""

import json
import select
import threading
from contextlib import closing
from typing import Any, Final

from obsctl.engine.failures import EngineRefusal, no_engine, reason_of, unreachable
from obsctl.engine.pulse import PATIENCE_S, Pulse, Wait
from obsctl.engine.wire import Answer, Wire
from obsctl.errors import EngineError

_BAD_REQUEST: Final = 400


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
        """OSError without an answer; any answer is one."""
        with closing(Wire(self._path, self._timeout_s)) as wire:
            wire.ask("/_ping")
            wire.answer()

    def newest_api(self) -> str:
        """The newest API version of what answers; "" where it names none."""
        doing = "ask for the version"
        # The answer to /version takes an Engine fifty times as long.
        if found := self._answer("/_ping", doing).headers.get("api-version"):
            return found
        try:
            return str(dict(self.read("/version", doing)).get("ApiVersion", ""))
        except EngineRefusal as refusal:
            raise no_engine(self._host, refusal.reason) from refusal

    def close(self) -> None:
        """Close this thread's connection."""
        wire: Wire | None = getattr(self._local, "wire", None)
        if wire is not None:
            wire.close()

    def _answer(self, target: str, doing: str) -> Answer:
        wire: Wire | None = getattr(self._local, "wire", None)
        if wire is not None and wire.is_open:
            try:
                return self._get(wire, target, doing)
            except OSError:
                wire.close()  # the Engine closed an idle connection: ask again on a new one
        self._local.wire = None
        try:
            fresh = Wire(self._path, self._timeout_s)
            try:
                answer = self._get(fresh, target, doing)
            except OSError:
                fresh.close()
                raise
        except OSError as error:
            raise unreachable(error, self._host, self._timeout_s, doing) from error
        self._local.wire = fresh
        return answer

    def _get(self, wire: Wire, target: str, doing: str) -> Answer:
        wire.ask(target)
        if self._pulse is not None:
            self._await(wire, self._pulse.waiting(doing))
        return wire.answer()

    def _await(self, wire: Wire, wait: Wait) -> None:
        """Until the answer begins; EngineError when the Engine hangs."""
        poll = select.poll()
        poll.register(wire, select.POLLIN)
        while not poll.poll(PATIENCE_S * 1000):
            try:
                wait.look()
            except EngineError:
                wire.close()
                raise
