"""Brings the values of sources into secrets/, each where it has changed; never tells a value."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from obsctl.conventions import ACCOUNTS, GRAFANA_KEY, KIBANA_KEY
from obsctl.errors import Problem
from obsctl.project import secret_files
from obsctl.project.secret_checks import SecretProblem, value_fault
from obsctl.project.sources import Source, SourceError

if TYPE_CHECKING:
    from obsctl.project.document import Document, KeyPath

_OTHER_KEY: Final = SourceError(
    "its value is not the key that Grafana has encrypted its data with",
    f"let it give the value of `secrets/{GRAFANA_KEY}` again; "
    f"`obsctl secrets rotate {GRAFANA_KEY}` tells what another one costs",
)


@dataclass(slots=True)
class Sourced:
    """What became of each source: a new value, the old one kept, or a problem."""

    changed: list[str] = field(default_factory=list)
    staged: list[str] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)  # name -> why
    problems: list[Problem] = field(default_factory=list)


def bring_in(root: Path, sources: Mapping[str, Source]) -> Sourced:
    """Ask every source, and write what has changed; nothing at all where one has a problem.

    The password of an account that the component itself keeps is only staged, as is a key that data
    is encrypted with: the file changes with them. A variable that is not set leaves a value that is
    there already.
    """
    result = Sourced()
    values = dict(_values(root, sources, result))
    for name, value in values.items() if not result.problems else ():
        if name in (*ACCOUNTS, KIBANA_KEY) and secret_files.read(root, name) is not None:
            secret_files.stage(root, name, value)
            result.staged.append(name)
        elif secret_files.put(root, name, value):
            result.changed.append(name)
    return result


def _values(
    root: Path, sources: Mapping[str, Source], result: Sourced
) -> Iterator[tuple[str, bytes]]:
    """Those that have changed; what else there is to say goes into `result`."""
    for name, source in sorted(sources.items()):
        present = secret_files.read(root, name)
        try:
            value = checked(name, source, root)
        except SourceError as error:
            if error.absent and present is not None:
                result.kept[name] = str(error)
            else:
                result.problems.append(problem_of(name, error))
            continue
        if value == present:
            continue
        if name == GRAFANA_KEY and present is not None:
            result.problems.append(problem_of(name, _OTHER_KEY))
        elif name == KIBANA_KEY and secret_files.previous(root, name) not in (None, present):
            # Data may be encrypted with either, and Kibana knows of these two only.
            result.kept[name] = "what its former value has encrypted is to be encrypted anew first"
        else:
            yield name, value


def checked(name: str, source: Source, root: Path) -> bytes:
    """The value that the source gives; SourceError where it can be no value of this secret."""
    value = source.fetch(root)
    if fault := value_fault(name, value):
        raise SourceError(f"its value {fault}")
    return value


def problem_of(name: str, error: SourceError) -> SecretProblem:
    return SecretProblem(
        f"the source of the secret `{name}`: {error}", hint=error.hint, secret=name
    )


def placed(problems: Iterable[Problem], document: "Document") -> Iterator[Problem]:
    """The same problems, those of secrets at the place in the project file that names them."""
    for problem in problems:
        path = None
        if isinstance(problem, SecretProblem):
            path = _path_to(problem.secret, document.data)
        if path is None:
            yield problem
        else:
            yield document.problem(problem.message, document.locate(path), problem.hint)


def _path_to(secret: str, data: object) -> "KeyPath | None":
    """Its source where it has one, else the first reference to it."""
    if isinstance(data, dict) and secret in (data.get("secrets") or ()):
        return ("secrets", secret)
    return next(references_to(secret, data), None)


def references_to(secret: str, value: object, path: "KeyPath" = ()) -> "Iterator[KeyPath]":
    """Where data of the project file refer to a secret."""
    if isinstance(value, dict):
        if value.get("secret") == secret:
            yield (*path, "secret")
        for key, item in value.items():
            yield from references_to(secret, item, (*path, key))
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from references_to(secret, item, (*path, index))
