"""Where the value of a secret comes from: the environment, a file, or a program's output."""

import os
import selectors
import signal
import stat
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from obsctl.errors import system_words
from obsctl.project.secret_checks import CONTENT_MAX_BYTES

EXEC_S: Final = 30.0
"""The longest that a program may take to print a secret."""
_LOOK_S: Final = 0.05


class SourceError(Exception):
    """A source that gives no value; the message is the end of a sentence that begins with it."""

    def __init__(self, message: str, hint: str | None = None, *, absent: bool = False) -> None:
        super().__init__(message)
        self.hint = hint
        self.absent = absent  # nothing is wrong with it, it is just not there now


@dataclass(frozen=True, slots=True)
class Source:
    """One of `env`, `file` and `exec`, and what it names; a program as its argument list."""

    kind: str
    words: tuple[str, ...]

    @classmethod
    def of(cls, data: Mapping[str, object]) -> Self:
        """From the form in the project file: `{env: VAR}`, `{file: PATH}`, `{exec: [ARGV]}`."""
        ((kind, value),) = data.items()
        words = value if isinstance(value, list | tuple) else (value,)
        return cls(kind, tuple(map(str, words)))

    def as_data(self) -> dict[str, object]:
        """The same form again."""
        return {self.kind: list(self.words) if self.kind == "exec" else self.words[0]}

    def __str__(self) -> str:
        # The arguments of a program may be nobody's business.
        return f"{self.kind} {self.words[0]}"

    def fetch(self, root: Path, timeout_s: float = EXEC_S) -> bytes:
        """The value, without one line break at its end; SourceError where there is none.

        Paths count from `root`, and a program runs there: without a shell, without a terminal,
        and no longer than `timeout_s`.
        """
        if self.kind == "env":
            return _from_environment(self.words[0])
        if self.kind == "file":
            return _trimmed(_from_file(Path(os.path.normpath(root / self.words[0]))))
        return _trimmed(_from_program(self.words, root, timeout_s))


def _trimmed(value: bytes) -> bytes:
    return value.removesuffix(b"\n").removesuffix(b"\r")


def _from_environment(name: str) -> bytes:
    value = os.environb.get(name.encode())
    if value is None:
        raise SourceError(
            f"the variable `{name}` is not set", "set it where obsctl runs", absent=True
        )
    return value


def _from_file(path: Path) -> bytes:
    try:
        # Not to hang on a pipe that nobody writes to.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            mode = os.fstat(descriptor).st_mode
            if not stat.S_ISREG(mode):
                raise SourceError(f"`{path}` is no regular file")
            value = os.read(descriptor, CONTENT_MAX_BYTES + 1)
        finally:
            os.close(descriptor)
    except OSError as error:
        hint = "correct the path; it counts from the project file"
        raise SourceError(f"`{path}`: {system_words(error)}", hint) from None
    if mode & stat.S_IROTH and _is_open(path):
        words = f"`{path}` can be read by every user of this machine"
        raise SourceError(words, f"run `chmod 600 {path}`")
    return value


def _is_open(path: Path) -> bool:
    """Whether every directory above lets every user through."""
    above = path.resolve().parents
    return all(directory.stat().st_mode & stat.S_IXOTH for directory in above)


def _from_program(words: tuple[str, ...], root: Path, timeout_s: float) -> bytes:
    try:
        process = subprocess.Popen(
            words,
            cwd=root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            # It may print what it is asked for, or parts of it.
            stderr=subprocess.DEVNULL,
            # It cannot ask questions, and all that it starts can be ended with it.
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise _not_started(words[0], error) from None
    try:
        value, code = _answer(process, time.monotonic() + timeout_s)
    except subprocess.TimeoutExpired:
        words_told = f"`{words[0]}` has not ended after {timeout_s:g} s"
        raise SourceError(words_told, "it must print the value without asking anything") from None
    finally:
        _end(process)
    if code:
        how = f"ended with exit code {code}" if code > 0 else f"was ended by signal {-code}"
        raise SourceError(f"`{words[0]}` {how}", "run it by hand to see why")
    if len(value) > CONTENT_MAX_BYTES:
        told = f"`{words[0]}` gives more than {CONTENT_MAX_BYTES // 1024} KiB"
        raise SourceError(told, "it must print the value and nothing else")
    return value


def _not_started(program: str, error: OSError | ValueError) -> SourceError:
    if isinstance(error, FileNotFoundError) and "/" not in program:
        hint = "install it, or give its full path; it runs without a shell"
        return SourceError(f"there is no program `{program}` on PATH", hint)
    reason = system_words(error) if isinstance(error, OSError) else "it cannot be started"
    return SourceError(f"`{program}`: {reason}", "it must be a program that you can run by hand")


def _answer(process: subprocess.Popen[bytes], deadline: float) -> tuple[bytes, int]:
    """What it prints, and its exit code; TimeoutExpired where that takes too long.

    One that prints too much is not waited for.
    """
    value = _read(process, deadline)
    if len(value) > CONTENT_MAX_BYTES:
        return value, 0
    return value, process.wait(max(deadline - time.monotonic(), 0))


def _end(process: subprocess.Popen[bytes]) -> None:
    """It, and what it has left running, must not outlive the question."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    if process.stdout is not None:
        process.stdout.close()
    process.wait()


def _read(process: subprocess.Popen[bytes], deadline: float) -> bytes:
    """Until its output ends, or until it has: what it leaves running may keep the output open."""
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    value = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while len(value) <= CONTENT_MAX_BYTES:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise subprocess.TimeoutExpired("", 0)
            has_ended = process.poll() is not None
            if selector.select(0 if has_ended else min(left_s, _LOOK_S)):
                chunk = os.read(process.stdout.fileno(), CONTENT_MAX_BYTES + 1 - len(value))
                if not chunk:
                    break
                value += chunk
            elif has_ended:
                break
    return value
