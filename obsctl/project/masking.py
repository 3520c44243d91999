"""Keeps secrets out of error excerpts: what a line of the project file may show."""

import re
from collections.abc import Sequence
from difflib import get_close_matches

from obsctl.conventions import NAME_PATTERN

MASK = "********"

# Keys of the schema that take { secret: NAME }; a literal is masked under anything like them.
SECRET_KEYS = ("password", "webhook_url", "routing_key", "api_key", "bot_token", "url_secret")
# The section of a login: whatever is written there in its place, or beside its user, may be one.
LOGIN = "credentials"
_SECRET_NAMES = frozenset({"pass", "pw", "key", "auth", "bearer"})
_SECRET_WORD = re.compile(
    r"pass(w|phrase|code)|pwd|secret|token|(api|routing|private|access)[_-]?key|webhook_?url|dsn",
    re.IGNORECASE,
)
# The look-behinds keep both linear: a long word is tried from its beginning only.
_KEY = re.compile(r"""(?<![\w.-])(?P<key>[\w.-]+)["']?\s*:(?=\s|$)\s*""")
_NAME = rf"""["']?{NAME_PATTERN.strip("^$")}["']?"""
_NAME_OF_SECRET = re.compile(rf"{_NAME}\s*(#.*|[,}}].*)?$")
_REFERENCE = re.compile(rf"""\{{\s*["']?secret["']?\s*:\s*{_NAME}\s*\}}""")
_REFERENCE_LINE = re.compile(rf"""\s*["']?secret["']?\s*:\s*{_NAME}[\s,}}]*(#.*)?$""")
# A variable or a path, which are no secrets.
_SOURCE = re.compile(r"""\{\s*(env\s*:\s*[A-Za-z_]\w*|file\s*:\s*[\w./-]+)\s*\}\s*(#.*)?$""")
_SOURCE_LINE = re.compile(rf"\s*{_NAME}\s*:\s*{_SOURCE.pattern}")
_USER_INFO = re.compile(r"""(?<=://)[^/\s@]+@|(?<![^\s/@:'"\[{,])[^\s/@:'"\[{,]+:[^\s/@:]+@""")
_LINE_MAX = 10_000


def looks_secret(key: str) -> bool:
    """True for a key whose value is probably a password, a token or the like."""
    lowered = key.lower()
    return bool(
        lowered in _SECRET_NAMES
        or _SECRET_WORD.search(lowered)
        or get_close_matches(lowered, (*SECRET_KEYS, "secret"), 1, 0.8)
    )


def mask_url(text: str) -> str:
    """Hide `user:password@` of URLs and addresses."""
    return _USER_INFO.sub(f"{MASK}@", text)


def masked_line(line: str, *, of_login: bool = False) -> str:
    """A line as an error may show it; `of_login` is one in a section of LOGIN.

    Cuts the line at the value of a key that looks secret, unless that is a reference; what
    follows on the line goes too, for a value's end cannot be told in a broken file.
    """
    line = line[:_LINE_MAX]
    login_ends = len(line) if of_login else 0
    for match in _KEY.finditer(line):
        key, value = match["key"], line[match.end() :]
        if key == LOGIN and value.startswith("{"):
            login_ends = _end_of_section(line, match.end())
            continue
        is_of_login = key == LOGIN or (match.start() < login_ends and key != "user")
        if (is_of_login or looks_secret(key)) and not _is_harmless(key, value):
            return mask_url(line[: match.end()]) + MASK
    return mask_url(line)


def _end_of_section(line: str, start: int) -> int:
    """Where the brace at `start` is closed; the line's end where it is not."""
    depth = 0
    for index, character in enumerate(line[start:], start):
        depth += {"{": 1, "}": -1}.get(character, 0)
        if not depth:
            return index
    return len(line)


def lines_of_logins(lines: Sequence[str]) -> frozenset[int]:
    """Indexes of the lines below a LOGIN that has a block of its own."""
    found: set[int] = set()
    column: int | None = None
    for index, line in enumerate(lines):
        indent = len(line) - len(line.lstrip(" "))
        if column is not None and line.strip() and indent <= column:
            column = None
        if column is not None:
            found.add(index)
        elif line.strip() == f"{LOGIN}:":
            column = indent
    return frozenset(found)


def continued_secrets(lines: Sequence[str]) -> frozenset[int]:
    """Indexes of the lines that continue a secret's value: below `password: |` and the like."""
    hidden: set[int] = set()
    column: int | None = None  # of the key whose value goes on
    for index, line in enumerate(lines):
        if not line.strip():
            continue
        if column is not None and len(line) - len(line.lstrip(" ")) > column:
            if not (_REFERENCE_LINE.match(line) or _SOURCE_LINE.match(line)):
                hidden.add(index)
            continue
        column = _column_of_open_secret(line[:_LINE_MAX])
    return frozenset(hidden)


def _column_of_open_secret(line: str) -> int | None:
    if ":" not in line or line.lstrip().startswith("#"):
        return None
    last = next(reversed(list(_KEY.finditer(line))), None)
    if last is None or not looks_secret(last["key"]) or last["key"] == "secret":
        return None
    value = line[last.end() :]
    return None if value.startswith("*") or _REFERENCE.match(value) else last.start()


def _is_harmless(key: str, value: str) -> bool:
    """Nothing, a comment, an alias, an opening bracket or a reference; the rest may be secret."""
    if not value or value.startswith(("#", "*")) or value.strip() == "{":
        return True
    if _SOURCE.match(value):
        return True
    return bool((_NAME_OF_SECRET if key == "secret" else _REFERENCE).match(value))
