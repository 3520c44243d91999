"""Logstash events: field references, conditions, and the filters that the stand-in follows."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

from logstash_config import Selector

Json = Any

Event = dict[str, Any]
REFERENCE = re.compile(r"%\{([^}]+)\}")
JODA = {"YYYY": "%Y", "yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}


def stamp(at: datetime | None = None) -> str:
    """Return a time as an event carries it: UTC, milliseconds, `Z`."""
    moment = (at or datetime.now(UTC)).astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def normalise(event: Event) -> Event:
    """Give an event its `@timestamp` and `@version`; a bad time is tagged and replaced."""
    given = event.get("@timestamp")
    try:
        at = datetime.fromisoformat(str(given)) if given else None
    except ValueError:
        tag(event, "_timestampparsefailure")
        event["_@timestamp"] = given
        at = None
    if at is not None and at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    event["@timestamp"] = stamp(at)
    event.setdefault("@version", "1")
    return event


def parts(reference: str) -> list[str]:
    """Return `[a][b]` as ["a", "b"], `a` as ["a"]."""
    return reference[1:-1].split("][") if reference.startswith("[") else [reference]


def get(event: Event, reference: str) -> Json:
    """Return a field's value, None when it is not there."""
    value: Any = event
    for part in parts(reference):
        if not isinstance(value, dict) or part not in value:
            return None
        value = value[part]
    return value


def put(event: Event, reference: str, value: Json) -> None:
    """Set a field, making the objects above it."""
    *above, last = parts(reference)
    for part in above:
        inner = event.get(part)
        if not isinstance(inner, dict):
            inner = event[part] = {}
        event = inner
    event[last] = value


def remove(event: Event, reference: str) -> Json:
    """Take a field away and return it."""
    *above, last = parts(reference)
    place: Json = event
    for part in above:
        place = place.get(part) if isinstance(place, dict) else None
    return place.pop(last, None) if isinstance(place, dict) else None


def tag(event: Event, *names: str) -> None:
    """Add tags that are not there yet."""
    tags = event.setdefault("tags", [])
    tags += [name for name in names if name not in tags]


def interpolate(text: Json, event: Event) -> Json:
    """Replace `%{field}` and `%{+YYYY.MM.dd}`; what is not there stays."""

    def replace(match: re.Match[str]) -> str:
        if match[1].startswith("+"):
            at = datetime.fromisoformat(str(event["@timestamp"]))
            pattern = re.compile("|".join(JODA))
            return at.strftime(pattern.sub(lambda m: JODA[m[0]], match[1][1:]))
        value = get(event, match[1])
        if value is None:
            return match[0]
        return json.dumps(value) if isinstance(value, dict | list) else str(value)

    return REFERENCE.sub(replace, text) if isinstance(text, str) else text


def holds(condition: Json, event: Event) -> bool:
    """Tell whether a parsed condition holds for an event."""
    operator, *operands = condition
    if operator == "not":
        return not holds(operands[0], event)
    if operator in {"and", "or", "xor", "nand"}:
        left, right = (holds(operand, event) for operand in operands)
        return {"and": left and right, "or": left or right, "xor": left != right,
                "nand": not (left and right)}[operator]  # fmt: skip
    values = [get(event, o.path) if isinstance(o, Selector) else o for o in operands]
    if operator == "there":
        return values[0] is not None and values[0] is not False
    return _compare(operator, values[0], values[1])


def _compare(operator: str, left: Json, right: Json) -> bool:
    if operator in {"==", "!="}:
        return bool((left == right) == (operator == "=="))
    if operator in {"=~", "!~"}:
        found = isinstance(left, str) and re.search(str(right), left) is not None
        return found == (operator == "=~")
    try:
        if operator == "in":
            return left is not None and left in right
        return bool(
            {"<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right}[
                operator
            ]
        )
    except TypeError:
        return False


def pairs(value: Json) -> list[tuple[str, Any]]:
    """Return a hash, or a list of alternating keys and values, as pairs."""
    if isinstance(value, dict):
        return list(value.items())
    items = value if isinstance(value, list) else []
    return list(zip(items[::2], items[1::2], strict=False))


def listed(value: Json) -> list[Any]:
    """Return one or many as a list."""
    return value if isinstance(value, list) else [] if value is None else [value]
