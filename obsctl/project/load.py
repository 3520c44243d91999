"""Loads obsctl.yaml: every problem in one run, each at its line and column."""

from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from obsctl.errors import Problem, ProjectFileError
from obsctl.project.document import Document, KeyPath, open_document
from obsctl.project.findings import Findings
from obsctl.project.known_keys import fields_at, known_keys_hint, nearest_of
from obsctl.project.references import check_references
from obsctl.project.schema import Project
from obsctl.project.secrets import generated_names, given_names
from obsctl.project.sound import sound_part
from obsctl.project.wording import Wording

# Nobody reads on beyond; the search for near names would take longer than the user waits.
ERRORS_MAX = 1000


@dataclass(frozen=True, slots=True)
class LoadedProject:
    """The project, the file that it came from, and the directory that holds the file.

    `problems` is empty but for load_sound_part, and so are the places that are `muted`.
    """

    project: Project
    document: Document
    root: Path
    problems: tuple[Problem, ...] = ()
    muted: tuple[KeyPath, ...] = ()


def load_project(path: Path) -> LoadedProject:
    """Read and check the project file; raises ProjectFileError with all problems by place."""
    return check_document(open_document(path))


def load_sound_part(path: Path) -> LoadedProject:
    """Like load_project, but a file with problems gives the project without what is wrong.

    So the later stages can tell theirs in the same run. Raises ProjectFileError where too little
    is left to tell anything of.
    """
    document = open_document(path)
    findings, project = _checked(document)
    if not findings.problems and project is not None:
        return _loaded(document, project)
    sound = sound_part(document.data, findings.paths)
    if sound is None:
        raise ProjectFileError(*findings.problems)
    return replace(_loaded(document, sound.project), problems=findings.problems, muted=sound.muted)


def check_document(document: Document) -> LoadedProject:
    """The project that a document describes; raises ProjectFileError with all problems."""
    findings, project = _checked(document)
    findings.raise_any()
    assert project is not None  # noqa: S101 - no project without a finding
    return _loaded(document, project)


def _loaded(document: Document, project: Project) -> LoadedProject:
    return LoadedProject(project, document, document.path.absolute().parent)


def _checked(document: Document) -> tuple[Findings, Project | None]:
    findings = Findings(document)
    if not isinstance(document.data, dict):
        findings.add((), "expected settings (`key: value`) at the top of the file")
        return findings, None
    check_references(findings)
    project = _validate(document, findings)
    if project is not None:
        _check_sources(findings, project)
    return findings, project


def _check_sources(findings: Findings, project: Project) -> None:
    known = (*generated_names(project), *given_names(project))
    for name in project.secrets:
        if name not in known:
            message = f"nothing in the project uses the secret `{name}`"
            findings.add(("secrets", name), message, known_keys_hint(name, known), key=True)


def _validate(document: Document, findings: Findings) -> Project | None:
    try:
        # Only the file's own spelling: `for`, never the attribute's name `for_`.
        return Project.model_validate(document.data, by_alias=True, by_name=False)
    except ValidationError as failure:
        errors = failure.errors(include_url=False)[:ERRORS_MAX]
    misspelt = _misspelt_keys(errors, document)
    for error in errors:
        path = _path_in_document(error, document)
        if error["type"] == "missing":
            if path not in misspelt:
                message, hint = Wording(document, path, error).tell()
                findings.add(path[:-1], message, hint, key=True)
        elif not findings.has_at(path):
            message, hint = Wording(document, path, error).tell()
            findings.add(path, message, hint, key=_is_about_key(error))
    return None


def _is_about_key(error: ErrorDetails) -> bool:
    about_secret = error.get("ctx", {}).get("class_name") == "SecretReference"
    return error["type"] == "extra_forbidden" or "[key]" in error["loc"] or about_secret


def _misspelt_keys(errors: list[ErrorDetails], document: Document) -> set[KeyPath]:
    """Paths of keys that are there under a wrong spelling, which has its own finding."""
    found: set[KeyPath] = set()
    for error in errors:
        if error["type"] == "extra_forbidden":
            *above, name = _path_in_document(error, document)
            nearest = nearest_of(str(name), fields_at(tuple(above)))
            found.add((*above, nearest or name))
    return found


def _path_in_document(error: ErrorDetails, document: Document) -> KeyPath:
    """The error's place, without the tags that pydantic puts in for unions and keys.

    A missing key keeps its name although the document does not have it.
    """
    value = document.data
    path: list[str | int] = []
    for part in error["loc"]:
        if _has(value, part):
            path.append(part)
            value = value[part]
    if error["type"] == "missing":
        path.append(error["loc"][-1])
    return tuple(path)


def _has(value: object, part: str | int) -> bool:
    if isinstance(value, dict):
        return part in value
    return isinstance(value, tuple) and isinstance(part, int) and 0 <= part < len(value)
