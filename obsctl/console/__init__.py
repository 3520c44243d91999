"""The only room that prints: data on stdout; problems, notes and progress on stderr."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, TextIO

from obsctl.console.progress import Board, Outcome, PlainSteps, StepEvent
from obsctl.console.report import Draw, marked, redrawn
from obsctl.console.text import BOLD, CYAN, GREEN, RED, display_width, escaped, painted, told
from obsctl.errors import OutputClosed, Problem, RenderError, UsageError, system_words

__all__ = [
    "Outcome", "StepEvent", "ask", "can_ask", "escaped", "print_data", "print_diff", "print_note",
    "print_problems", "print_report", "print_table", "problems_as_data", "problems_as_json",
    "screen", "steps", "terminal_size",
]  # fmt: skip

PROBLEMS_MAX: Final = 100


def print_data(text: str) -> None:
    """Data for people and programs, on stdout; ends with a line break."""
    _write(sys.stdout, escaped(text.removesuffix("\n"), keep="\n\t") + "\n")


def print_report(text: str) -> None:
    """A health report on stdout, its marks in colour on a terminal."""
    _write(sys.stdout, marked(text, color=_has_color(sys.stdout)) + "\n")


def terminal_size() -> tuple[int, int]:
    """Columns and rows of the terminal that stdout is; 0 where it is none."""
    size = _terminal_size()
    return (size.columns, size.lines) if _is_terminal(sys.stdout) else (0, 0)


@contextmanager
def screen() -> Iterator[Draw]:
    """Reports that take each other's place on a terminal, and follow each other elsewhere."""
    if not _is_terminal(sys.stdout):
        yield print_data
        return

    def rows() -> int:
        return _terminal_size().lines

    with redrawn(_to_stdout, rows, color=_has_color(sys.stdout)) as draw:
        yield draw


def _terminal_size() -> os.terminal_size:
    # The archives that it can also write take longer to import than all that is printed.
    from shutil import get_terminal_size

    return get_terminal_size()


def _to_stdout(text: str) -> None:
    _write(sys.stdout, text)


def print_note(text: str) -> None:
    """A line or more for people, on stderr."""
    _write(sys.stderr, escaped(text, keep="\n\t") + "\n")


def print_problems(problems: Sequence[Problem], *, warn: bool = False) -> None:
    """Each problem with its place, the line it stands on, a caret and a hint, on stderr.

    With `warn` as warnings: the command goes on.
    """
    color = _has_color(sys.stderr)
    shown = problems[:PROBLEMS_MAX]
    lines = [line for one in shown for line in told(one, color=color, warns=warn)]
    if len(problems) > PROBLEMS_MAX:
        lines.append(f"... and {len(problems) - PROBLEMS_MAX} more")
    _write(sys.stderr, "".join(f"{line}\n" for line in lines))


def problems_as_json(problems: Iterable[Problem]) -> str:
    """The same for programs: a JSON list; line and column count from 1."""
    import json

    return json.dumps(problems_as_data(problems), indent=2)


def problems_as_data(problems: Iterable[Problem]) -> list[dict[str, object]]:
    """The same as plain data."""
    places = ((problem, problem.location) for problem in problems)
    return [
        {
            "message": problem.message,
            "path": str(place.path) if place else None,
            "line": place.line if place else None,
            "column": place.column if place else None,
            "hint": problem.hint,
        }
        for problem, place in places
    ]


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Aligned columns under a title (none where it is empty), on stdout.

    On a terminal, the last cell of a row that is too wide for it goes below the second.
    """
    cells = [[escaped(cell) for cell in row] for row in (columns, *rows)]
    widths = [max(map(display_width, column)) for column in zip(*cells, strict=True)]
    lines = [_aligned(row, widths) for row in cells]
    if limit := terminal_size()[0]:
        below = "\n" + " " * (widths[0] + 2)
        lines = [
            line if display_width(line) <= limit else _aligned(row[:-1], widths) + below + row[-1]
            for row, line in zip(cells, lines, strict=True)
        ]
    bold = _has_color(sys.stdout)
    heading = [painted(line, BOLD, wanted=bold) for line in (escaped(title), lines[0])]
    shown = [line for line in heading if line] + lines[1:]
    _write(sys.stdout, "".join(f"{line}\n" for line in shown))


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = (
        cell + " " * (wide - display_width(cell)) for cell, wide in zip(row, widths, strict=False)
    )
    return "  ".join(cells).rstrip()


def print_diff(text: str) -> None:
    """A unified diff, on stdout."""
    color = _has_color(sys.stdout)
    paints = {"+": GREEN, "-": RED, "@": CYAN}
    lines = [
        painted(escaped(line, keep="\t"), paints.get(line[:1], ""), wanted=color)
        for line in text.removesuffix("\n").split("\n")
    ]
    _write(sys.stdout, "".join(f"{line}\n" for line in lines))


def can_ask() -> bool:
    """True where a person sits at both ends."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(question: str, default: str) -> str:
    """The answer on the terminal, or the default for an empty one."""
    _write(sys.stderr, escaped(f"{question} [{default}]: "))
    answer = sys.stdin.readline()
    if not answer:
        _write(sys.stderr, "\n")
        raise UsageError(Problem("no answer; nothing was written"))
    return answer.strip() or default


@contextmanager
def steps() -> Iterator[Callable[[StepEvent], None]]:
    """Progress of services on stderr: live on a terminal, a line per change elsewhere."""
    if not _is_terminal(sys.stderr):
        yield PlainSteps(print_note)
        return
    from rich.console import Console
    from rich.live import Live

    board = Board()
    live = Live(
        get_renderable=board.table, console=Console(stderr=True), refresh_per_second=8,
        redirect_stdout=False,
    )  # fmt: skip
    with live:
        yield board


def _is_terminal(stream: TextIO) -> bool:
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def _has_color(stream: TextIO) -> bool:
    return _is_terminal(stream) and not os.environ.get("NO_COLOR")


def _write(stream: TextIO, text: str) -> None:
    """Write and flush, so that a reader who went away is noticed here and not at exit."""
    try:
        try:
            stream.write(text)
        except UnicodeEncodeError:
            encoding = stream.encoding or "ascii"
            stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
    except OSError as error:
        _silence(stream)
        # Words for people are never worth breaking off what they tell of, such as an `up`.
        if stream is sys.stderr:
            return
        if isinstance(error, BrokenPipeError):
            raise OutputClosed from None
        words = system_words(error)
        raise RenderError(Problem(f"the output cannot be written: {words}")) from None


def _silence(stream: TextIO) -> None:
    """What is left in the buffer goes nowhere, instead of failing again at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, stream.fileno())
    finally:
        os.close(nowhere)
