"""The catalogue of causes: what can be wrong, in words, and the command that fixes it."""

import re
import string
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from textwrap import fill
from typing import Final

from obsctl.errors import Problem, UsageError
from obsctl.project.plain_yaml import load_plain

_WHITESPACE: Final = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Cause:
    """One entry of causes.yaml.

    `title` and `fix` may hold `{placeholders}`; the check that names the code fills them.
    """

    code: str
    title: str
    meaning: str
    see: str
    fix: str
    many: str = ""  # what several of them are called together

    @property
    def placeholders(self) -> frozenset[str]:
        """The names that a check has to fill in."""
        fields = string.Formatter().parse(f"{self.title} {self.fix}")
        return frozenset(name for _, name, _, _ in fields if name)

    def filled(self, **values: object) -> tuple[str, str]:
        """Cause and fix of one case; KeyError when a placeholder has no value."""
        return self.title.format_map(values), self.fix.format_map(values)

    @property
    def shown(self) -> tuple[str, str]:
        """Cause and fix of no case in particular: placeholders in angle brackets."""
        return self.filled(**{name: f"<{name}>" for name in self.placeholders})

    def text(self, columns: int = 0) -> str:
        """The entry as `obsctl explain` prints it, in lines of so many columns (0: no limit)."""
        title, fix = self.shown
        parts = (
            (f"{self.code}: ", title), ("", ""), ("", self.meaning), ("", ""),
            ("see: ", self.see), ("fix: ", fix),
        )  # fmt: skip
        return "\n".join(_folded(start, text, columns) for start, text in parts)


def _folded(start: str, text: str, columns: int) -> str:
    if not columns or not text:
        return start + text
    rest = " " * len(start) if len(start) < columns // 4 else ""
    return fill(
        text, columns, initial_indent=start, subsequent_indent=rest,
        break_on_hyphens=False, break_long_words=False,
    )  # fmt: skip


@cache
def load_causes() -> dict[str, Cause]:
    """Every cause by its code, in the order of the file."""
    text = files("obsctl.health.findings").joinpath("causes.yaml").read_text(encoding="utf-8")
    entries: dict[str, dict[str, str]] = load_plain(text)
    return {
        code: Cause(code, **{key: _one_line(value) for key, value in entry.items()})
        for code, entry in entries.items()
    }


def find_cause(code: str) -> Cause:
    """One entry; UsageError with the nearest code when there is none."""
    causes = load_causes()
    if code in causes:
        return causes[code]
    near = get_close_matches(code, causes, n=1)
    hint = f"did you mean `{near[0]}`?" if near else "`obsctl explain` lists all codes"
    raise UsageError(Problem(f"there is no cause `{code}`", hint=hint))


def _one_line(text: str) -> str:
    return _WHITESPACE.sub(" ", text).strip()
