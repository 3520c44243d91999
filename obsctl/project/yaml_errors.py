"""Plain words for what a YAML parser says."""

import re
from collections.abc import Sequence

import yaml

_STRAY = "text cannot begin with `{character}`"
_QUOTE = "write the text in quotes"
_COMMENT = "`#` begins a comment that runs to the end of the line; text with it needs quotes"
_AT_END = "a value is missing where the file ends"

# The parser's words (libyaml's and the pure one's) -> ours, and a hint.
_WORDS = {
    "mapping values are not allowed": (
        "a `:` that does not fit here: wrong indentation, or text with `: ` in it",
        "text that holds `: ` needs quotes",
    ),
    "found unexpected end of stream": ("the quoted text that begins here has no closing quote", ""),
    "while scanning a quoted scalar": ("the quoted text that begins here has no closing quote", ""),
    "could not find expected ':'": (
        "a setting that begins here has no `:`",
        "settings are written `key: value`, with a space after the colon",
    ),
    "did not find expected ',' or ']'": ("the list that begins here lacks a `,` or its `]`", ""),
    "expected ',' or ']'": ("the list that begins here lacks a `,` or its `]`", ""),
    "did not find expected ',' or '}'": ("the section that begins here lacks a `,` or its `}`", ""),
    "expected ',' or '}'": ("the section that begins here lacks a `,` or its `}`", ""),
    "unknown escape character": (
        "a backslash that escapes nothing known",
        "write the text in single quotes: there a backslash is only itself",
    ),
    "block sequence entries are not allowed": (
        "a list item (`- `) that does not fit here",
        "put it on a line of its own",
    ),
    "did not find expected '-' indicator": (
        "expected the next list item (`- `), or less indentation",
        "keys and list items do not mix in one block",
    ),
    "expected <block end>, but found": (
        "this does not fit the block it stands in",
        "give all lines of a block the same indentation",
    ),
    "did not find expected key": (
        "this does not fit the section it stands in",
        "give all keys of a section the same indentation; text after a closing quote is an error",
    ),
    "document start": (
        "this stands outside of the settings",
        "begin every top-level key in the first column",
    ),
    "alphabetic or numeric character": (
        "an alias or anchor without a name",
        "text that begins with `*` or `&` needs quotes",
    ),
    "expected node content": ("a value cannot begin with `{character}`", _QUOTE),
    "while parsing a tag": ("a tag that has no meaning here", _QUOTE),
    "incompatible yaml document": ("an unknown YAML version", "remove the `%YAML` line"),
    "block scalar": ("wrong text after `|` or `>`", "begin the text on the next line, indented"),
}
# Where the fault is better shown at the beginning of the construct than where parsing gave up.
_AT_START = ("no closing quote", "begins here")


def describe(error: yaml.MarkedYAMLError, lines: Sequence[str]) -> tuple[str, str | None, int, int]:
    """Message, hint, line and column (from 0) of a parser's complaint."""
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    text = lines[line] if line < len(lines) else ""
    character = text[column] if column < len(text) else ""
    problem = f"{error.context or ''}; {error.problem or ''}".lower()
    if character == "\t" or "'\\t'" in problem:
        hint = "indent with spaces; YAML takes no tabs"
        return "a tab where only spaces may stand", hint, line, column
    if "cannot start any token" in problem:
        return _STRAY.replace("{character}", character), _QUOTE, line, column
    message, hint = _words(problem, character)
    if error.context_mark and any(words in message for words in _AT_START):
        begin, line, column = line, error.context_mark.line, error.context_mark.column
        if any(" #" in text for text in lines[line : begin + 1]):
            hint = _COMMENT
    if message == _AT_END and (place := _commented_value(lines[: line + 1])):
        return "a value is missing, and so is what closes the section", _COMMENT, *place
    return message, hint or None, line, column


def _commented_value(lines: Sequence[str]) -> tuple[int, int] | None:
    """Line and column of the last `#` that stands where a value should."""
    for number, text in reversed(list(enumerate(lines))):
        if found := re.search(r": +(#)", text):
            return number, found.start(1)
    return None


def _words(problem: str, character: str) -> tuple[str, str]:
    for phrase, (message, hint) in _WORDS.items():
        if phrase in problem:
            if "{character}" in message and not character:
                return _AT_END, ""
            return message.replace("{character}", character), hint
    return f"not readable as YAML: {problem.strip('; ')}", ""
