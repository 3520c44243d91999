"""Answers that are asked for once per run, however many checks need them."""

from collections.abc import Callable, Hashable
from concurrent.futures import Future
from threading import Lock
from typing import Any


class Once:
    """Remembers what was asked: checks run in parallel and many need the same answer."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._values: dict[Hashable, Future[Any]] = {}

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:  # noqa: ANN401 - as `make` returns
        """What `make` returned or raised the first time that `key` was asked for."""
        with self._lock:
            future = self._values.get(key)
            first = future is None
            future = self._values.setdefault(key, Future())
        if first:
            try:
                future.set_result(make())
            except BaseException as error:  # noqa: BLE001 - whoever asks next gets the same
                future.set_exception(error)
        return future.result()
