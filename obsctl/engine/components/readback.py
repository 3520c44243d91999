"""Asks a component whether it has loaded the configuration files that are on disk."""

import http.client
import time
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from obsctl.engine.components.loaded import alertmanager, blackbox, grafana, logstash, prometheus
from obsctl.engine.components.loaded.component import Component, Refusal

_PAUSE_S: Final = 0.1
_TIMEOUT_S: Final = 5.0
# Logstash looks every 3 s, and ends the events under way in the old pipeline first.
_PATIENCE_S: Final[Mapping[str, float]] = {"logstash": 60.0}
_FINAL: Final = frozenset({0, 401, 403})  # it refused the files, or us
_DIFFERENCES: Final[Mapping[str, Callable[[Component], str | None]]] = {
    "prometheus": prometheus.difference,
    "alertmanager": alertmanager.difference,
    "blackbox-exporter": blackbox.difference,
    "grafana": grafana.difference,
    "logstash": logstash.difference,
}


class ReadBack(NamedTuple):
    """`refusal` is why what is loaded is not what the files say; `asked` whether it could tell."""

    asked: bool
    refusal: str | None = None
    is_final: bool = False  # waiting longer will not help


def read_back(service: str, component: Component, check: Callable[[], None]) -> ReadBack:
    """Wait until the files are loaded; `check` is called meanwhile and may raise.

    An HTTP reload has ended when it answers; a signal, and what a component does by itself, are
    taken in their own time.
    """
    difference = _DIFFERENCES.get(service)
    if difference is None or not component.can_be_asked():
        return ReadBack(asked=False)
    deadline = time.monotonic() + _PATIENCE_S.get(service, _TIMEOUT_S)
    while True:
        check()
        try:
            found = _look(difference, component)
        except (KeyError, TypeError, ValueError):
            return ReadBack(asked=False)  # an API of another shape
        if found.refusal is None or found.is_final or time.monotonic() >= deadline:
            return found
        time.sleep(_PAUSE_S)


def _look(difference: Callable[[Component], str | None], component: Component) -> ReadBack:
    try:
        return ReadBack(asked=True, refusal=difference(component))
    except Refusal as refusal:
        return ReadBack(asked=True, refusal=str(refusal), is_final=refusal.status in _FINAL)
    except (OSError, http.client.HTTPException) as error:
        words = str(error) or type(error).__name__
        return ReadBack(asked=True, refusal=f"it does not answer any more: {words}")
