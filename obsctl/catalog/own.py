"""A project's own kinds: checked like nothing else, since nobody has run their tests before."""

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from obsctl.catalog.check import check_kind
from obsctl.catalog.entry import Data, inherit, kind
from obsctl.catalog.files import TARGET_KIND, built_in, built_in_names
from obsctl.catalog.model import Kind
from obsctl.catalog.schema import schema_problems
from obsctl.project.document import read_document
from obsctl.project.findings import Findings

_REQUIRED = ("title", "category")


def read_own(name: str, path: Path, files: Mapping[str, Path]) -> Kind:
    """The kind of a file in the project's own folder; `files` are all of them by kind.

    Raises ProjectFileError with every located problem.
    """
    document = read_document(path)
    findings = Findings(document)
    data = document.data
    if not isinstance(data, dict):
        findings.add((), "a kind's file has settings (`title: ...`) at its top")
        findings.raise_any()
    for where, message, is_key in schema_problems(data):
        findings.add(where, message, key=is_key)
    findings.raise_any()
    whole = _whole(name, data, files, findings, (name,))
    for key in _REQUIRED:
        if key not in whole:
            findings.add((), f"`{key}` is missing")
    findings.raise_any()
    entry = kind(name, whole)
    for where, message in check_kind(entry):
        findings.add(where, message)
    findings.raise_any()
    return entry


def _whole(
    name: str,
    data: dict[str, Any],
    files: Mapping[str, Path],
    findings: Findings,
    seen: tuple[str, ...],
) -> Data:
    """The file's data on top of what it extends; an own kind may extend one of its own name."""
    entry = dict(data)
    base = entry.pop("extends", None)
    if base is None:
        return entry
    if base in files and base not in seen:
        below = read_document(files[base]).data
        return inherit(entry, _whole(base, below, files, findings, (*seen, base)))
    known = sorted(built_in_names() - {TARGET_KIND})
    if base in known and (base == name or base not in seen):
        return inherit(entry, built_in(base))
    near = get_close_matches(base, known, 1)
    message = f"`{base}` extends itself" if base in seen else f"there is no kind `{base}`"
    findings.add(("extends",), message, f"did you mean `{near[0]}`?" if near else None)
    return entry
