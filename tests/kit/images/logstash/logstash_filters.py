"""The filters that the Logstash stand-in follows; others leave events as they are."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from logstash_config import Branch, Plugin
from logstash_event import (
    Event,
    get,
    holds,
    interpolate,
    listed,
    normalise,
    pairs,
    put,
    remove,
    stamp,
    tag,
)
from logstash_ruby import ruby

Json = Any


def _rename(event: Event, source: str, target: str) -> None:
    if get(event, source) is not None:
        put(event, target, remove(event, source))


def _copy(event: Event, source: str, target: str) -> None:
    if get(event, source) is not None:
        put(event, target, get(event, source))


def _update(event: Event, name: str, value: Json) -> None:
    if get(event, name) is not None:
        put(event, name, interpolate(value, event))


def _convert(event: Event, name: str, kind: str) -> None:
    casts: dict[str, Callable[[Any], Any]] = {
        "integer": lambda v: int(float(v)), "float": float, "string": str,
        "boolean": lambda v: str(v).lower() in {"true", "t", "yes", "y", "1"},
    }  # fmt: skip
    value = get(event, name)
    if value is not None and kind in casts:
        try:
            put(event, name, casts[kind](value))
        except ValueError:
            put(event, name, 0)


def _letters(event: Event, options: dict[str, Any]) -> None:
    for operation in ("uppercase", "lowercase", "strip"):
        for name in listed(options.get(operation)):
            value = get(event, name)
            if isinstance(value, str):
                put(event, name, getattr(value, operation.removesuffix("case"))())


def mutate(event: Event, options: dict[str, Any]) -> bool:
    """Follow the common mutate operations, in Logstash's fixed order."""
    for source, target in pairs(options.get("rename")):
        _rename(event, source, target)
    for name, value in pairs(options.get("update")):
        _update(event, name, value)
    for name, value in pairs(options.get("replace")):
        put(event, interpolate(name, event), interpolate(value, event))
    for name, kind in pairs(options.get("convert")):
        _convert(event, name, str(kind))
    _letters(event, options)
    for source, target in pairs(options.get("copy")):
        _copy(event, source, target)
    return True


def parse_json(event: Event, options: dict[str, Any]) -> bool:
    """Follow the json filter; tell whether the text was JSON."""
    text = get(event, str(options.get("source", "message")))
    try:
        value = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        tag(event, *listed(options.get("tag_on_failure") or "_jsonparsefailure"))
        return False
    if options.get("target"):
        put(event, options["target"], value)
    elif isinstance(value, dict):
        event.update(value)
        normalise(event)
    return True


def decorate(event: Event, options: dict[str, Any]) -> None:
    """Do what every filter does to an event that it matched."""
    for name, value in pairs(options.get("add_field")):
        known, added = get(event, interpolate(name, event)), interpolate(value, event)
        put(event, interpolate(name, event),
            added if known is None else [*listed(known), added])  # fmt: skip
    if options.get("add_tag"):
        tag(event, *(interpolate(name, event) for name in listed(options["add_tag"])))
    for name in listed(options.get("remove_tag")):
        event["tags"] = [t for t in event.get("tags", []) if t != name]
    for name in listed(options.get("remove_field")):
        remove(event, interpolate(name, event))


def parse_date(event: Event, options: dict[str, Any]) -> bool:
    """Follow the date filter for ISO8601, UNIX and UNIX_MS; other formats fail and are tagged."""
    name, *formats = listed(options.get("match"))
    value = get(event, name)
    if value is None:
        return False
    for kind in formats:
        try:
            if kind in {"UNIX", "UNIX_MS"}:
                seconds = float(value) / (1000 if kind == "UNIX_MS" else 1)
                at = datetime.fromtimestamp(seconds, UTC)
            elif kind == "ISO8601":
                at = datetime.fromisoformat(str(value))
            else:
                continue
        except (ValueError, TypeError, OverflowError):
            continue
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        put(event, str(options.get("target", "@timestamp")), stamp(at))
        return True
    tag(event, *listed(options.get("tag_on_failure") or "_dateparsefailure"))
    return False


def translate(event: Event, options: dict[str, Any]) -> bool:
    """Follow the translate filter with a dictionary of its own."""
    target = str(options.get("target") or options["source"])
    value = get(event, str(options["source"]))
    if get(event, target) is not None and str(options.get("override", "true")) != "true":
        return False
    found = dict(pairs(options.get("dictionary"))).get(str(value))
    if found is None and options.get("fallback") is None:
        return False
    put(event, target, found if found is not None else interpolate(options["fallback"], event))
    return True


def always(_: Event, __: dict[str, Any]) -> bool:
    """Stand in for a filter that is not followed."""
    return True


FILTERS: dict[str, Callable[[Event, dict[str, Any]], bool]] = {
    "mutate": mutate,
    "json": parse_json,
    "date": parse_date,
    "translate": translate,
    "ruby": ruby,
}


def run(entries: list[Any], event: Event, visit: Callable[[Plugin], None]) -> bool:
    """Run a section over an event; False when it was dropped."""
    for entry in entries:
        if isinstance(entry, Branch):
            arm = next((b for c, b in entry.arms if c is None or holds(c, event)), [])
            if not run(arm, event, visit):
                return False
            continue
        visit(entry)
        if entry.section != "filter":
            continue
        if entry.name == "drop":
            return False
        if FILTERS.get(entry.name, always)(event, entry.options):
            decorate(event, entry.options)
    return True
