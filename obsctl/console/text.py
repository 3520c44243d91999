"""How texts are laid out: escaping, widths, colour, and the form of a problem."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from obsctl.errors import Location, Problem

_BEFORE_CARET_MAX, _LINE_MAX = 80, 120

RESET, BOLD = "\x1b[0m", "\x1b[1m"
RED, GREEN, YELLOW, CYAN = "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[36m"

# Controls, invisible and direction-changing characters, lone surrogates, odd line breaks.
_ESCAPED: Final = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))
_HARMLESS: Final = re.compile(r"[\x20-\x7e]*")


def escaped(text: str, keep: str = "") -> str:
    """Text from anywhere as it may reach a terminal: control characters are spelt out."""
    if _HARMLESS.fullmatch(text):
        return text
    return "".join(
        _spelt(character)
        if unicodedata.category(character) in _ESCAPED and character not in keep
        else character
        for character in text
    )


def _spelt(character: str) -> str:
    return repr(character)[1:-1]


def told(problem: Problem, *, color: bool, warns: bool = False) -> Iterator[str]:
    place = f"{escaped(str(problem.location))}: " if problem.location else ""
    word, paint = ("warning:", YELLOW) if warns else ("error:", RED)
    label = painted(word, BOLD + paint, wanted=color)
    yield f"{place}{label} {_paragraph(problem.message)}"
    if problem.location and problem.source and problem.source.strip():
        yield from _excerpt(problem.location, problem.source, color=color)
    if problem.hint:
        yield f"{painted('hint:', CYAN, wanted=color)} {_paragraph(problem.hint)}"


def _paragraph(text: str) -> str:
    """Further lines are indented: text from input cannot pass for a message of its own."""
    return escaped(text.strip("\n"), keep="\n").replace("\n", "\n  ")


def _excerpt(location: Location, source: str, *, color: bool) -> Iterator[str]:
    start = location.column - 1
    cut = max(0, start - _BEFORE_CARET_MAX)
    lead = "..." if cut else ""
    # A tab is one column to editors as well as here, so that the caret stays under its place.
    before, marked, after = (
        escaped(part.replace("\t", " "))
        for part in (
            source[cut:start], source[start : start + min(location.width, _LINE_MAX)],
            source[start + location.width :][:_LINE_MAX],
        )
    )  # fmt: skip
    text = lead + before + marked + after
    if len(text) > _LINE_MAX:
        text = text[:_LINE_MAX] + "..."
    yield f"{location.line:>5} | {text}".rstrip()
    # Where the rest of a line is masked, a place in it cannot be shown.
    if start <= len(source):
        carets = "^" * max(1, min(display_width(marked), _LINE_MAX - display_width(lead + before)))
        yield f"      | {' ' * display_width(lead + before)}{painted(carets, RED, wanted=color)}"


def display_width(text: str) -> int:
    """Columns on a terminal."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(character)
        else 2 if unicodedata.east_asian_width(character) in "WF"
        else 1
        for character in text
    )  # fmt: skip


def painted(text: str, paint: str, *, wanted: bool) -> str:
    return f"{paint}{text}{RESET}" if wanted and text and paint else text
