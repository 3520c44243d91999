"""Plain data as readable JSON; what is flat and short stays on one line, as in a dashboard's grid.

The standard library's indenting encoder gives each number of a panel's place a line of its own,
which makes the diff of a moved panel unreadable; this one is as fast.
"""

import json
from collections.abc import Mapping
from json.encoder import encode_basestring

_WIDTH = 96
_WORDS = {None: "null", True: "true", False: "false"}
_LEAVES = (str, int, float, type(None))


Shared = dict[int, str]


def text(data: object, shared: Shared | None = None) -> str:
    """The document, with a line end.

    `shared` are lists by identity that stand at one depth in several documents, and their text:
    empty until the first of these calls has found it.
    """
    parts: list[str] = []
    _add(parts, data, "\n", {} if shared is None else shared)
    return "".join(parts) + "\n"


def _add(parts: list[str], data: object, line: str, shared: Shared) -> None:
    """`line` is the line end and indent of the container that `data` is in."""
    if isinstance(data, str):
        parts.append(encode_basestring(data))
    elif isinstance(data, Mapping) and data:
        heads = [f"{encode_basestring(key)}: " for key in data]
        _add_members(parts, heads, list(data.values()), (line, "{", "}"), shared)
    elif isinstance(data, list | tuple) and data:
        if known := shared.get(id(data)):
            parts.append(known)
            return
        first = len(parts)
        _add_members(parts, [""] * len(data), list(data), (line, "[", "]"), shared)
        if known is not None:
            shared[id(data)] = "".join(parts[first:])
    else:
        parts.append(_scalar(data))


def _add_members(
    parts: list[str],
    heads: list[str],
    values: list[object],
    around: tuple[str, str, str],
    shared: Shared,
) -> None:
    line, opening, closing = around
    if all(isinstance(value, _LEAVES) for value in values):
        members = [head + _scalar(value) for head, value in zip(heads, values, strict=True)]
        flat = f"{opening}{', '.join(members)}{closing}"
        if len(flat) + len(line) <= _WIDTH:
            parts.append(flat)
            return
    inner = line + "  "
    separator = opening + inner
    for head, value in zip(heads, values, strict=True):
        parts.append(separator + head)
        _add(parts, value, inner, shared)
        separator = "," + inner
    parts.append(line + closing)


def _scalar(value: object) -> str:
    if isinstance(value, str):
        return encode_basestring(value)
    if type(value) is int:
        return repr(value)
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    return json.dumps(value, allow_nan=False)
