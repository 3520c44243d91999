"""The lexical elements of the Logstash configuration language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
      |(?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
      |(?P<arrow>=>)
      |(?P<compare>==|!=|<=|>=|=~|!~|<|>)
      |(?P<selector>(?:\[[^\[\],"'\s]+\])+)
      |(?P<number>-?\d+(?:\.\d+)?(?![\w.-]))
      |(?P<word>[A-Za-z_@][\w@.-]*)
      |(?P<regex>/(?:\\.|[^/\\])+/)
      |(?P<mark>[{}\[\](),!])""",
    re.VERBOSE,
)


class ConfigurationError(Exception):
    """A configuration that Logstash refuses."""


@dataclass(frozen=True)
class Token:
    """One lexical element with its place."""

    kind: str
    text: str
    line: int
    column: int


def tokenize(text: str) -> Iterator[Token]:
    """Yield tokens; raise ConfigurationError at the first character that is none."""
    position = 0
    while position < len(text):
        match = TOKEN.match(text, position)
        line = text.count("\n", 0, position) + 1
        column = position - text.rfind("\n", 0, position)
        if match is None:
            raise expected('[ \\t\\r\\n], "#", "{"', line, column)
        kind = match.lastgroup or ""
        if kind != "space":
            yield Token(kind, match[0], line, column)
        position = match.end()


def expected(what: str, line: int, column: int) -> ConfigurationError:
    """Return the error of a place where something else should stand."""
    return ConfigurationError(f"Expected one of {what} at line {line}, column {column}")


def unquote(text: str) -> str:
    """Return a string token's value; escapes stay as they are, as `config.support_escapes` says."""
    return text[1:-1].replace('\\"', '"') if text[0] == '"' else text[1:-1].replace("\\'", "'")
