"""The project file as data, with the line and column of every key and value."""

import errno
import os
import re
import stat
from bisect import bisect_right
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from obsctl.errors import Location, Problem, ProjectFileError
from obsctl.project import masking
from obsctl.project.yaml_errors import describe
from obsctl.project.yaml_nodes import Node, NodeError, build

SIZE_MAX_BYTES = 2**20

KeyPath = tuple[str | int, ...]

_LINE_BREAK = re.compile(r"\r\n|\n|\r")
# NEL, LS and PS among them: YAML 1.1 breaks lines there and editors do not.
_REFUSED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_REFUSED_SHOWN_MAX = 20
_MESSAGE_MAX = 500
_BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")


@dataclass(eq=False)
class Document:
    """A YAML file: `data` in plain Python (lists are tuples), and where each part stands.

    `problems` are the faults that did not stop the reading: duplicate keys and the like.
    """

    path: Path
    lines: tuple[str, ...]
    root: Node
    problems: tuple[Problem, ...] = field(default=())

    @property
    def data(self) -> Any:  # noqa: ANN401 - a YAML document can be anything
        return self.root.data

    def locate(self, path: KeyPath, *, key: bool = False) -> Location:
        """Where the value at `path` stands, or its key; else its nearest known ancestor."""
        node, key_node = self.root, None
        for part in path:
            found = _child(node, part)
            if found is None:
                key = True
                break
            key_node, node = found
        return self._location(_shown(node, key_node, key=key))

    def raw(self, path: KeyPath) -> str | None:
        """The scalar at `path` as it is written (`3.10`, not 3.1); None for anything else."""
        node = self.root
        for part in path:
            found = _child(node, part)
            if found is None:
                return None
            node = found[1]
        return node.raw

    def source(self, line: int) -> str:
        """The text of a line (from 1), with what may be a secret masked."""
        if not 1 <= line <= len(self.lines):
            return ""
        text = self.lines[line - 1]
        if line - 1 in self._hidden_lines:
            return text[: len(text) - len(text.lstrip())] + masking.MASK
        return masking.masked_line(text, of_login=line - 1 in self._login_lines)

    @cached_property
    def _login_lines(self) -> frozenset[int]:
        return masking.lines_of_logins(self.lines)

    @cached_property
    def _hidden_lines(self) -> frozenset[int]:
        return masking.continued_secrets(self.lines)

    def problem(self, message: str, location: Location, hint: str | None = None) -> Problem:
        """A problem of this file; text of the user's in it is cut where it has no end."""
        hint = hint if hint is None else _cut(hint)
        return Problem(_cut(message), location, hint, self.source(location.line))

    def _location(self, node: Node) -> Location:
        return Location(self.path, node.line + 1, node.column + 1, max(node.width, 1))


def read_document(path: Path) -> Document:
    """Read a YAML file; raises ProjectFileError with every problem that reading shows."""
    document = open_document(path)
    if document.problems:
        raise ProjectFileError(*document.problems)
    return document


def open_document(path: Path) -> Document:
    """Like read_document, but leaves what does not stop the reading to the caller."""
    return parse_document(_decode(read_bytes(path), path), path)


def parse_document(text: str, path: Path) -> Document:
    """A document from its text; `path` is what locations name."""
    lines = tuple(_LINE_BREAK.split(text))
    # Problems take their source line from the document, which masks secrets; so it comes first.
    document = Document(path, lines, Node(None, 0, 0))
    _refuse_characters(document, text)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's is ten times faster
    try:
        root, errors = build(yaml.parse(text, Loader=loader))
    except NodeError as error:
        raise ProjectFileError(_located(document, error)) from None
    except yaml.MarkedYAMLError as error:
        message, hint, line, column = describe(error, lines)
        location = _clipped(document, line, column)
        raise ProjectFileError(document.problem(message, location, hint)) from None
    if root is None or root.data is None:
        raise ProjectFileError(
            Problem(f"`{path}` holds no settings", hint="`obsctl init` writes a file to begin with")
        )
    document.root = root
    document.problems = tuple(_located(document, error) for error in errors)
    return document


def read_bytes(path: Path, limit: int = SIZE_MAX_BYTES) -> bytes:
    """The content of a regular file of at most `limit` bytes; never waits on a pipe or device."""
    try:
        # O_NONBLOCK: opening a FIFO would otherwise wait for its writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            mode = os.fstat(descriptor).st_mode
            if not stat.S_ISREG(mode):
                raise ProjectFileError(_not_a_file(path, mode))
            with open(descriptor, "rb", closefd=False) as stream:
                content = stream.read(limit + 1)
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:
        raise ProjectFileError(_unreadable(path, error)) from None
    if len(content) > limit:
        raise ProjectFileError(
            Problem(f"`{path}` is larger than {limit // 2**20} MiB; is it the right file?")
        )
    return content


def _not_a_file(path: Path, mode: int) -> Problem:
    if stat.S_ISDIR(mode):
        return Problem(f"`{path}` is a directory", hint=f"did you mean `{path / 'obsctl.yaml'}`?")
    return Problem(f"`{path}` is no regular file")


def _unreadable(path: Path, error: OSError | ValueError) -> Problem:
    reason = error.errno if isinstance(error, OSError) else None
    if reason in (errno.ENOENT, errno.ENOTDIR):
        return Problem(
            f"`{path}` does not exist",
            hint="`obsctl init` writes one; `--file` names another",
        )
    if reason == errno.ELOOP:
        return Problem(f"`{path}` is a symbolic link that leads back to itself")
    if reason in (errno.EACCES, errno.EPERM):
        return Problem(f"no permission to read `{path}`")
    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return Problem(f"`{path}` cannot be read: {words.lower()}")


def _decode(content: bytes, path: Path) -> str:
    first = Location(path, 1, 1)
    if content.startswith(_BYTE_ORDER_MARKS[:2]):
        raise ProjectFileError(Problem("the file is UTF-16", first, "save it as UTF-8"))
    if content.startswith(_BYTE_ORDER_MARKS[2]):
        message = "the file begins with a byte order mark"
        raise ProjectFileError(Problem(message, first, "save it as UTF-8 without one"))
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = _LINE_BREAK.split(content[: error.start].decode("utf-8"))
        location = Location(path, len(before), len(before[-1]) + 1)
        byte = content[error.start]
        raise ProjectFileError(
            Problem(f"the byte 0x{byte:02X} is no UTF-8", location, "save the file as UTF-8")
        ) from None


def _refuse_characters(document: Document, text: str) -> None:
    found = list(islice(_REFUSED.finditer(text), _REFUSED_SHOWN_MAX))
    if not found:
        return
    starts = [0, *(match.end() for match in _LINE_BREAK.finditer(text))]
    hint = "is the file UTF-16? save it as UTF-8" if found[0][0] == "\0" else "remove it"
    problems = []
    for match in found:
        line = bisect_right(starts, match.start())
        location = Location(document.path, line, match.start() - starts[line - 1] + 1)
        message = f"the control character U+{ord(match[0]):04X} has no place in this file"
        problems.append(document.problem(message, location, hint))
    raise ProjectFileError(*problems)


def _cut(text: str) -> str:
    return text if len(text) <= _MESSAGE_MAX else f"{text[:_MESSAGE_MAX]}..."


def _child(node: Node, part: str | int) -> tuple[Node | None, Node] | None:
    """Key node (None in a list) and value node below `node`."""
    if isinstance(part, str):
        return node.entries.get(part) if node.entries is not None else None
    return (None, node.items[part]) if 0 <= part < len(node.items) else None


def _shown(node: Node, key_node: Node | None, *, key: bool) -> Node:
    """The key where asked for, or where the value has no place of its own on the key's line."""
    is_block = node.raw is None and not node.flow
    if key_node is None and is_block and node.entries:
        return next(iter(node.entries.values()))[0]
    if key_node is not None and (key or is_block or (node.raw == "" and node.data is None)):
        return key_node
    return node


def _located(document: Document, error: NodeError) -> Problem:
    location = replace(_clipped(document, error.line, error.column), width=max(error.width, 1))
    return document.problem(error.message, location, error.hint)


def _clipped(document: Document, line: int, column: int) -> Location:
    """Parsers count the end of the file as a line of its own; point at the last real one."""
    while line > 0 and (line >= len(document.lines) or not document.lines[line].strip()):
        line -= 1
        column = len(document.lines[line].rstrip()) if line < len(document.lines) else 0
    return Location(document.path, line + 1, column + 1)
