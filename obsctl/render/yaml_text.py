"""Plain data as readable block YAML that 1.1 and 1.2 parsers read alike.

PyYAML's own writer needs seconds for ten thousand rules; this one is a tenth of that, and
keeps PromQL and shell scripts readable: literal blocks for lines, single quotes for the rest.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

_PLAIN = re.compile(r"[A-Za-z_/](?:[\w./@%+=()*<>-]|:(?=[\w/.]))*(?: [\w./@%+=()*<>-]+)*", re.ASCII)
_DURATION = re.compile(r"(?:[0-9]+(?:ms|[smhdwy]))+")
# The plain types first: asking an abstract one takes five times as long.
_MAPPINGS = (dict, Mapping)
_CONTAINERS = (dict, list, tuple, Mapping)
# What some parser or other takes for something else than text.
_RESERVED = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def block(data: object, indent: int = 0) -> str:
    """`data` as lines, each indented; no line end after the last."""
    lines: list[str] = []
    _add(lines, data, " " * indent)
    return "\n".join(lines)


def scalar(value: object) -> str:
    """A single value, or an empty collection, on one line."""
    if isinstance(value, str):
        return text_scalar(value)
    if value is None or isinstance(value, bool | int):
        return json.dumps(value)
    if isinstance(value, float) and math.isfinite(value):
        return repr(value)
    if isinstance(value, Mapping) and not value:
        return "{}"
    if isinstance(value, Sequence) and not value:
        return "[]"
    raise TypeError(f"{type(value).__name__} has no place in YAML: {value!r}")


@lru_cache(maxsize=8_192)  # labels, keys and durations come back all the time
def text_scalar(text: str) -> str:
    """Text on one line: plain where nothing can misread it, else quoted."""
    if _PLAIN.fullmatch(text):
        if text.lower() not in _RESERVED:
            return text
    elif _DURATION.fullmatch(text):
        return text
    if text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return json.dumps(text)


def _add(lines: list[str], data: object, pad: str) -> None:
    if isinstance(data, _MAPPINGS) and data:
        for key, value in data.items():
            _add_value(lines, f"{pad}{scalar(key)}:", value, pad)
    elif isinstance(data, list | tuple) and data:
        for item in data:
            _add_item(lines, item, pad)
    else:
        lines.append(pad + scalar(data))


def _add_value(lines: list[str], head: str, value: object, pad: str) -> None:
    if isinstance(value, str):
        _add_text(lines, head, value, pad)
    elif isinstance(value, _CONTAINERS) and value:
        lines.append(head)
        _add(lines, value, pad + "  ")
    else:
        lines.append(f"{head} {scalar(value)}")


def _add_item(lines: list[str], value: object, pad: str) -> None:
    if not isinstance(value, str) and isinstance(value, _CONTAINERS) and value:
        inner, first = pad + "  ", len(lines)
        _add(lines, value, inner)
        lines[first] = f"{pad}- {lines[first][len(inner) :]}"
    else:
        _add_value(lines, f"{pad}-", value, pad)


def _add_text(lines: list[str], head: str, text: str, pad: str) -> None:
    if "\n" not in text or not _is_literal(text):
        lines.append(f"{head} {text_scalar(text)}")
        return
    inner = pad + "  "
    lines.append(f"{head} |" if text.endswith("\n") else f"{head} |-")
    lines += [inner + line if line else "" for line in text.removesuffix("\n").split("\n")]


def _is_literal(text: str) -> bool:
    """True where a literal block gives back every character."""
    lines = text.removesuffix("\n").split("\n")
    return (
        bool(lines[0])
        and lines[0][0] not in " \t"
        and bool(lines[-1])
        and all(line.isprintable() and line == line.rstrip() for line in lines)
    )
