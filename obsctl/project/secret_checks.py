"""What is wrong with the files under secrets/ and the values in them; never tells a value."""

import os
import re
import shlex
import stat
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from obsctl.conventions import (
    BUGSINK_KEY,
    BUGSINK_TOKEN,
    GRAFANA_KEY,
    KIBANA_KEY,
    SECRETS_DIRECTORY,
)
from obsctl.errors import Problem
from obsctl.project.secret_files import no_directory, open_to_others

CONTENT_MAX_BYTES: Final = 64 * 1024
LENGTH_MIN: Final = 8
# Shorter ones keep these from their start.
_LENGTHS: Final = {KIBANA_KEY: (32, "Kibana"), BUGSINK_KEY: (50, "Bugsink")}
_BUGSINK_TOKEN: Final = re.compile("[0-9a-f]{40}")
_WEAK: Final = frozenset(
    {
        "admin", "administrator", "changeit", "changeme", "default", "elastic", "exporter",
        "grafana", "guest", "iloveyou", "kibana", "letmein", "logstash", "mongodb", "monitor",
        "mysql", "obsctl", "passw", "passwd", "password", "postgres", "prometheus", "qwerty",
        "redis", "root", "secret", "test", "toor", "user", "welcome",
    }
)  # fmt: skip
_UNSEEN: Final = {"Cc": "a control", "Cf": "an invisible"}
_ROWS: Final = ("01234567890", "abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm")
# Grafana puts what it has read from a file through the expansion of variables once more.
_EXPANDED: Final = frozenset(("grafana_admin_password", "grafana_reader_password", GRAFANA_KEY))


@dataclass(frozen=True, slots=True)
class SecretProblem(Problem):
    """A secret that cannot be used; who has the project file can show where it is named."""

    secret: str = ""


def check(
    root: Path,
    names: Iterable[str],
    remedies: Callable[[str], str],
    *,
    makes_directory: bool = False,
) -> tuple[Problem, ...]:
    """What is wrong with the directory and the files of `names`.

    `remedies` tells for a name what makes a good file of it.
    """
    folder = root / SECRETS_DIRECTORY
    wanted = sorted(set(names))
    if not wanted:
        return ()
    # One that is not there yet is made with the first secret: then each file is what is missing.
    comes = makes_directory and not os.path.lexists(folder)
    if not comes and (found := _check_directory(folder)) is not None:
        return (found,)
    problems = (_check_file(folder / name, remedies(name)) for name in wanted)
    return tuple(problem for problem in problems if problem is not None)


def url_problem(root: Path, name: str) -> SecretProblem | None:
    """What is wrong with the address in a file under secrets/ that can be read; never tells it."""
    path = root / SECRETS_DIRECTORY / name
    try:
        parts = urlsplit(path.read_text(encoding="utf-8"))
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_url = False
    if is_url:
        return None
    return SecretProblem(
        f"the secret `{path}` is no URL, and a receiver sends to it",
        hint="it begins with https:// or http://; copy the whole address of the webhook",
        secret=name,
    )


def value_fault(name: str, value: bytes) -> str | None:
    """Why `value` cannot be the secret `name`, as the end of a sentence that begins with it."""
    if len(value) > CONTENT_MAX_BYTES:
        return f"is larger than {CONTENT_MAX_BYTES // 1024} KiB"
    if not value.strip():
        return "is empty"
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return "is not UTF-8 text"
    return _form_fault(text) or _rule_fault(name, text) or _weakness(text)


def _form_fault(text: str) -> str | None:
    if text.endswith("\n"):
        return "ends with a line break, which would be part of the value"
    if "\n" in text or "\r" in text:
        return "has several lines; no component takes that as one value"
    for character in text:
        # Formats are what a byte order mark is, or what a copy from a page brings along.
        if kind := _UNSEEN.get(unicodedata.category(character)):
            return f"holds {kind} character (U+{ord(character):04X})"
    # Some components trim what they read; postgres_exporter writes a password with a space into
    # its log, as a part of a `malformed dsn`.
    return "holds a space, which not every component takes" if text.split() != [text] else None


def _rule_fault(name: str, text: str) -> str | None:
    if name in _EXPANDED and "$" in text:
        return "holds a `$`, which Grafana would take for a variable"
    if name.startswith("kibana_") and "${" in text:
        return "holds a `${`, which Kibana would take for a variable"
    if name == BUGSINK_TOKEN and not _BUGSINK_TOKEN.fullmatch(text):
        return "is no token of Bugsink's, which has 40 digits of 0 to 9 and a to f"
    least, component = _LENGTHS.get(name, (0, ""))
    if len(text) < least:
        return f"is shorter than the {least} characters that {component} demands"
    return None


def _weakness(text: str) -> str | None:
    lowered = text.lower()
    core = lowered.strip("0123456789!?._-#*@ ")
    if core in _WEAK or lowered in _WEAK:
        return "is a password that everybody knows"
    if len(text) < LENGTH_MIN:
        return f"is shorter than {LENGTH_MIN} characters"
    if len(set(lowered)) < 4 or any(lowered in row * 3 for row in _ROWS):  # noqa: PLR2004 - as in `abab`
        return "is a password that everybody tries"
    return None


def _check_directory(folder: Path) -> Problem | None:
    try:
        mode = folder.lstat().st_mode
    except OSError:
        return Problem(
            f"`{folder}` is missing", hint=f"run `mkdir -m 700 {shlex.quote(str(folder))}`"
        )
    if stat.S_ISLNK(mode) or not stat.S_ISDIR(mode):
        return no_directory(folder)
    return open_to_others(folder) if stat.S_IMODE(mode) & 0o077 else None


def _check_file(path: Path, remedy: str) -> Problem | None:
    def problem(words: str, hint: str | None = None) -> SecretProblem:
        return SecretProblem(f"the secret `{path}` {words}", hint=hint, secret=path.name)

    quoted = shlex.quote(str(path))
    try:
        state = path.lstat()
    except OSError:
        return problem("is missing", remedy)
    if not stat.S_ISREG(state.st_mode):
        return problem("must be a regular file, and no symbolic link", _cleared(path, remedy))
    if not state.st_mode & stat.S_IROTH:
        return problem(
            "is closed to its container: containers run as other users and could not read it",
            f"run `chmod 444 {quoted}`; the directory keeps other users of the host out",
        )
    if state.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return problem("can be written by others than its owner", f"run `chmod 444 {quoted}`")
    try:
        with path.open("rb") as stream:
            content = stream.read(CONTENT_MAX_BYTES + 1)
    except OSError as error:
        return problem(f"cannot be read: {(error.strerror or '').lower()}")
    fault = value_fault(path.name, content)
    return None if fault is None else problem(fault, _mend(path, content, remedy))


def _mend(path: Path, content: bytes, remedy: str) -> str:
    if content.endswith(b"\n") and value_fault(path.name, content.removesuffix(b"\n")) is None:
        quoted = shlex.quote(str(path))
        return f"run `chmod u+w {quoted} && truncate -s -1 {quoted} && chmod 444 {quoted}`"
    return _cleared(path, remedy)


def _cleared(path: Path, remedy: str) -> str:
    # Whatever a directory has in it may be somebody's.
    command = "rmdir" if path.is_dir() and not path.is_symlink() else "rm -f"
    return f"run `{command} {shlex.quote(str(path))}`, then {remedy.removeprefix('run ')}"
