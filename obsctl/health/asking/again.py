"""Asking again for what takes a while, until the time of a check is over."""

import time
from collections.abc import Iterator
from typing import Final

from obsctl.health.asking.context import Context

_FIRST_S: Final = 0.1
_LONGEST_S: Final = 1.0
_GROWTH: Final = 1.5
_RESERVE_S: Final = 1.0
"""Left for the last answer and for what is told of it."""


def attempts(context: Context) -> Iterator[None]:
    """One item for each time to ask, with growing pauses between them."""
    pause_s = _FIRST_S
    while not context.is_over(_RESERVE_S):
        yield
        time.sleep(pause_s)
        pause_s = min(pause_s * _GROWTH, _LONGEST_S)
