"""All that a rendering is made from, as one hash: what has not changed need not be rendered again.

The project's files count by their content; obsctl itself, its templates and its kinds by size and
time, as Python's own bytecode does; what it is built on by the versions that are installed.
"""

import hashlib
import os
import stat
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from obsctl import __version__
from obsctl.conventions import CATALOG_DIRECTORY, TEMPLATES_DIRECTORY
from obsctl.project.patterns import matching

_PACKAGE: Final = Path(__file__).resolve().parents[1]
# The built-in templates: inside the package in a wheel, beside it in a checkout.
_OWN: Final = (_PACKAGE, _PACKAGE.parent / TEMPLATES_DIRECTORY)
_LIBRARIES: Final = ("jinja2", "promql_parser", "pydantic", "yaml")


def fingerprint(project_file: Path) -> str | None:
    """The hash of every input of a rendering; None where something is not as it usually is."""
    file = project_file.absolute()
    digest = hashlib.sha256()
    try:
        for part in (*_program(), *_contents(file)):
            digest.update(len(part).to_bytes(8, "big"))  # so that no two lists read alike
            digest.update(part)
    except (OSError, ValueError):
        return None
    return digest.hexdigest()


def files_digest(root: Path, patterns: Sequence[str]) -> str | None:
    """The hash of all files that patterns of the project file name; None as for fingerprint."""
    digest = hashlib.sha256()
    try:
        for pattern in patterns:
            for path in matching(root, pattern):
                for part in (os.fsencode(path), _content(path, path.stat())):
                    digest.update(len(part).to_bytes(8, "big"))
                    digest.update(part)
    except (OSError, ValueError):
        return None
    return digest.hexdigest()


def _program() -> Iterator[bytes]:
    yield f"{__version__} {sys.version} {_PACKAGE}".encode()
    for root in _OWN:
        for path, state in _files(root):
            yield f"{path} {state.st_size} {state.st_mtime_ns}".encode()
    for folder in sorted({str(Path(found).parents[1]) for found in _libraries()}):
        names = (path.name for path in Path(folder).iterdir() if path.name.endswith("-info"))
        yield "\n".join((folder, *sorted(names))).encode()


def _libraries() -> Iterator[str]:
    for name in _LIBRARIES:
        found = find_spec(name)
        if found is None or found.origin is None:
            raise ValueError(name)
        yield found.origin


def _contents(file: Path) -> Iterator[bytes]:
    yield os.fsencode(file)
    yield _content(file, file.stat())
    for directory in (CATALOG_DIRECTORY, TEMPLATES_DIRECTORY):
        for path, state in _files(file.parent / directory):
            yield os.fsencode(path)
            yield _content(path, state)


def _content(path: Path, state: os.stat_result) -> bytes:
    if not stat.S_ISREG(state.st_mode):
        raise ValueError(path)  # reading a pipe would take from those who need it
    return path.read_bytes()


def _files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """All files below a folder, by name; none where there is no such folder."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.name == "__pycache__":
            continue
        if entry.is_dir():
            yield from _files(Path(entry))
        else:
            yield Path(entry), entry.stat()
