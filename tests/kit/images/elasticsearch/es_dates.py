"""Dates of the Elasticsearch stand-in: ISO 8601, milliseconds, date math."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import Any

Json = Any
UNITS = {
    "s": 1,
    "m": 60,
    "h": 3600,
    "H": 3600,
    "d": 86400,
    "w": 604800,
    "M": 2592000,
    "y": 31536000,
}
MATH = re.compile(r"([+-])(\d+)([smhHdwMy])")
DATE = re.compile(r"\d{4}-\d\d-\d\d([T ].*)?$")


class QueryError(Exception):
    """A query that is malformed or beyond the subset."""


def instant(value: Json, now: float | None = None) -> float:
    """Return a date (ISO 8601, `now-5m`, `2026-01-01||+1d`, milliseconds) in epoch seconds."""
    if isinstance(value, int | float):
        return value / 1000
    text, math = str(value), ""
    if text.startswith("now"):
        base, math = time.time() if now is None else now, text[3:]
    else:
        text, _, math = text.partition("||")
        base = _parse_date(text)
    for sign, amount, unit in MATH.findall(math):
        base += (1 if sign == "+" else -1) * int(amount) * UNITS[unit]
    return base


def _parse_date(text: str) -> float:
    if re.fullmatch(r"-?\d{10,}", text):
        return int(text) / 1000
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise QueryError(f"failed to parse date field [{text}]") from error
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()


def comparable(value: Json) -> float | str:
    """Return a number, a date as a number, or the text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return str(value).lower()
    if isinstance(value, str) and DATE.match(value):
        try:
            return _parse_date(value)
        except QueryError:
            return value
    return value
