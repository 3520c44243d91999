"""Sizes as components write them, and as people read them."""

import re
from typing import Final

_SIZE: Final = re.compile(r"([0-9.]+)\s*([kmgtp]?)i?b", re.IGNORECASE)
_UNITS: Final = " KMGTP"
_STEP: Final = 1024.0


def bytes_of(text: str) -> float | None:
    """`1gb`, `8GiB`, `512MB`: all count in steps of 1024, as Prometheus and Elasticsearch do."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        return None
    return float(match[1]) * _STEP ** _UNITS.index(match[2].upper() or " ")


def size_text(size: float) -> str:
    """Three digits and a unit."""
    for unit in _UNITS:
        if size < _STEP or unit == _UNITS[-1]:
            digits = f"{size:.3g}" if size < 1000 else f"{size:.0f}"  # noqa: PLR2004 - else 1e+03
            return f"{digits} {unit.strip()}{'iB' if unit.strip() else 'B'}"
        size /= _STEP
    raise AssertionError
