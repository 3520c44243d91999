"""A health report on the terminal: its marks in colour, and a screen that is drawn again."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from obsctl.console.text import BOLD, CYAN, GREEN, RED, escaped, painted

_MARK: Final = re.compile(r"^( *)(FAIL|warn|skip|ok|healthy|unhealthy)(?=[ ,:])")
_YELLOW: Final = "\x1b[33m"
_PAINTS: Final = {
    "FAIL": BOLD + RED,
    "unhealthy": BOLD + RED,
    "warn": _YELLOW,
    "skip": CYAN,
    "ok": GREEN,
    "healthy": BOLD + GREEN,
}
_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
_HOME, _REST_OF_LINE, _REST_OF_SCREEN = "\x1b[H", "\x1b[K", "\x1b[J"


def marked(text: str, *, color: bool) -> str:
    """The text escaped, and the mark at the start of each line painted."""
    lines = (escaped(line, keep="\t") for line in text.split("\n"))
    return "\n".join(_MARK.sub(_paint, line) if color else line for line in lines)


def _paint(match: re.Match[str]) -> str:
    return match[1] + painted(match[2], _PAINTS[match[2]], wanted=True)


Draw = Callable[[str], None]


@contextmanager
def redrawn(
    write: Callable[[str], None], rows: Callable[[], int], *, color: bool
) -> Iterator[Draw]:
    """A screen of its own: each text takes the place of the one before; gone at the end."""

    def draw(text: str) -> None:
        lines = marked(text, color=color).split("\n")
        if len(lines) >= rows():
            kept = max(rows() - 2, 1)
            lines = [*lines[:kept], f"... {len(lines) - kept} more lines"]
        write(_HOME + "".join(f"{line}{_REST_OF_LINE}\n" for line in lines) + _REST_OF_SCREEN)

    write(_ENTER)
    try:
        yield draw
    finally:
        write(_LEAVE)
