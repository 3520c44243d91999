"""The project's own dashboards: the files that its patterns name, read as JSON."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from obsctl.errors import Location, Problem, ProjectFileError, system_words
from obsctl.project.findings import Findings
from obsctl.project.load import LoadedProject
from obsctl.project.patterns import matching

_SIZE_MAX_BYTES: Final = 4 * 2**20


@dataclass(frozen=True, slots=True)
class OwnDashboard:
    """One file: the index of the pattern that names it, its path below the root, its JSON."""

    pattern: int
    path: str
    model: object


def read_dashboards(loaded: LoadedProject) -> tuple[OwnDashboard, ...]:
    """Every matching file once, sorted by pattern and path; raises ProjectFileError."""
    if "grafana" in loaded.project.stack.without:
        return ()  # a contradiction, which the resolver tells
    findings = Findings(loaded.document)
    problems: list[Problem] = []
    found: dict[str, OwnDashboard] = {}
    for index, pattern in enumerate(loaded.project.dashboards):
        for path in _matches(loaded.root, pattern, index, findings):
            name = path.relative_to(loaded.root).as_posix()
            try:
                found.setdefault(name, OwnDashboard(index, name, _read(path)))
            except ValueError as error:
                problems.append(_problem(loaded.document.path.parent / name, error))
            except OSError as error:
                reason = system_words(error)
                problems.append(Problem(f"`{name}` cannot be read: {reason}"))
    if findings.problems or problems:
        raise ProjectFileError(*findings.problems, *problems)
    return tuple(found.values())


def _matches(root: Path, pattern: str, index: int, findings: Findings) -> Iterator[Path]:
    place = ("dashboards", index)
    parts = PurePosixPath(pattern)
    if parts.is_absolute() or ".." in parts.parts:
        findings.add(place, "dashboards are files beside or below the project file")
        return
    files = matching(root, pattern)
    if not files:
        findings.add(
            place, f"no file matches `{pattern}`", "paths are relative to the project file"
        )
    yield from files


def _read(path: Path) -> object:
    if path.stat().st_size > _SIZE_MAX_BYTES:
        raise ValueError(f"it is larger than {_SIZE_MAX_BYTES // 2**20} MiB")
    try:
        return json.loads(path.read_text("utf-8"))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _problem(path: Path, error: ValueError) -> Problem:
    if isinstance(error, json.JSONDecodeError):
        line = error.doc.splitlines()[error.lineno - 1] if error.doc.strip() else ""
        place = Location(path, error.lineno, error.colno)
        return Problem(f"this is not JSON: {error.msg.lower()}", place, source=line)
    if isinstance(error, UnicodeDecodeError):
        return Problem(f"`{path}` is not UTF-8")
    return Problem(f"`{path}`: {error}")
