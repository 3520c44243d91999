"""Every error that obsctl shows a user, and the exit code of each.

ObsctlError              1   the command ran and the answer is no: unhealthy, drift, pending
├── UsageError           2   the command line is wrong
├── ProjectFileError     3   obsctl.yaml, or another file of the user's, is wrong
├── RenderError          4   rendered output was rejected or cannot be written
├── EngineError          5   the Docker Engine cannot be reached, refused, or the apply failed
├── Stopped            130   SIGINT ended the command in an orderly way
│   └── Terminated     143   SIGTERM did
└── OutputClosed       141   the reader of stdout went away, as SIGPIPE ends other programs

0 ok · 70 a bug in obsctl (traceback with --debug) · 130 SIGINT · 143 SIGTERM
"""

import errno
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

_FREE_SPACE: Final = "free space on that disk, then run the same command again"
_GRANT: Final = "run obsctl as the owner of the project, or grant yourself write access there"
_CLEAR: Final = "move what is there out of the way, then run the same command again"
_NEXT_STEPS: Final[Mapping[int | None, str]] = {
    errno.ENOSPC: _FREE_SPACE,
    errno.EDQUOT: _FREE_SPACE,
    errno.EROFS: "make that file system writable, or move the project to one that is",
    errno.EACCES: _GRANT,
    errno.EPERM: _GRANT,
    errno.EEXIST: _CLEAR,
    errno.EISDIR: _CLEAR,
    errno.ENOTDIR: _CLEAR,
}


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a user's file; line and column count from 1, width in characters."""

    path: Path
    line: int
    column: int
    width: int = 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, where, and what to do about it.

    `source` is the text of the located line; the console draws the caret under it.
    Wording: lower case, no final period, values in backticks.
    """

    message: str
    location: Location | None = None
    hint: str | None = None
    source: str | None = None


def system_words(error: OSError) -> str:
    """What the operating system says of it, as all messages are written."""
    return (error.strerror or str(error)).lower()


def unwritable(path: Path, error: OSError) -> Problem:
    """Why the file system does not let `path` be written, and the next step."""
    words = f"`{path}` cannot be written: {system_words(error)}"
    return Problem(words, hint=_NEXT_STEPS.get(error.errno))


class ObsctlError(Exception):
    """A stage's answer is no; holds every problem that the stage found."""

    exit_code: ClassVar[int] = 1

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = problems


class UsageError(ObsctlError):
    """The command line is wrong."""

    exit_code = 2


class ProjectFileError(ObsctlError):
    """obsctl.yaml, the user's catalogue, rules or dashboards are wrong."""

    exit_code = 3


class RenderError(ObsctlError):
    """A rendered file was rejected by its checker, or cannot be written."""

    exit_code = 4


class EngineError(ObsctlError):
    """The Docker Engine cannot be reached, refused, or an operation on it failed."""

    exit_code = 5


class Stopped(ObsctlError):  # noqa: N818 - nothing failed: somebody asked for it
    """SIGINT ended the command; the problem says what stands and how to go on."""

    exit_code = 130


class Terminated(Stopped):
    """SIGTERM ended the command."""

    exit_code = 143


class OutputClosed(ObsctlError):  # noqa: N818 - nothing failed: the reader has enough, as `head`
    """Nobody reads stdout any more; there is nothing to say and nobody to say it to."""

    exit_code = 141
