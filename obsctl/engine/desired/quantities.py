"""Durations and sizes as compose files spell them."""

import re
from typing import Final

_NANOSECONDS: Final = {
    "ns": 1,
    "us": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)")
_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", re.IGNORECASE)
_POWERS: Final = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
SECOND_NS: Final = 10**9


def nanoseconds(text: object) -> int:
    """`1m30s` in nanoseconds; ValueError for anything that is no duration."""
    parts = _DURATION.findall(str(text))
    if not parts or "".join(number + unit for number, unit in parts) != str(text):
        raise ValueError(f"`{text}` is no duration such as `30s`")
    return sum(int(float(number) * _NANOSECONDS[unit]) for number, unit in parts)


def size_bytes(value: object) -> int:
    """`512m` or a number, in bytes; the units are powers of 1024, as docker's are."""
    match = _SIZE.fullmatch(str(value)) if not isinstance(value, bool) else None
    if match is None:
        raise ValueError(f"`{value}` is no size such as `512m`")
    return int(float(match[1]) * 1024 ** _POWERS[match[2].lower()])
