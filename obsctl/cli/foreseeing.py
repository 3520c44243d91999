"""The secrets that `up` would find wanting, make or fetch; read only, no value is told."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from obsctl.errors import Problem
from obsctl.project import secrets
from obsctl.project.secret_checks import SecretProblem
from obsctl.render.record import Rendered


@dataclass(frozen=True, slots=True)
class SecretsAhead:
    """`made` and `fetched` are names that `up` completes itself; `problems` would stop it."""

    made: tuple[str, ...]
    fetched: tuple[str, ...]
    problems: tuple[Problem, ...]


def secrets_ahead(file: Path, rendered: Rendered) -> SecretsAhead:
    """What `up` would do about secrets; asks no source, as a source may be a command."""
    root, sourced = file.absolute().parent, rendered.sources.keys()
    made = secrets.missing(root, set(rendered.generated_secrets) - sourced)
    fetched = secrets.missing(root, sourced)
    later = {*made, *fetched}
    problems = tuple(secret_faults(root, rendered, later, makes_directory=True))
    return SecretsAhead(made, fetched, tuple(at_their_places(problems, file)))


def secret_faults(
    root: Path, rendered: Rendered, told: AbstractSet[str], *, makes_directory: bool = False
) -> Iterator[Problem]:
    """What is wrong with the secrets beside those that are `told` already."""
    brought = {*rendered.given_secrets, *rendered.sources}
    names = {*rendered.generated_secrets, *brought} - told
    found = secrets.check(root, names, brought, makes_directory=makes_directory)
    yield from found
    wrong = told | {one.secret for one in found if isinstance(one, SecretProblem)}
    yield from _dsn_problems(root, rendered, wrong)


def at_their_places(problems: tuple[Problem, ...], file: Path) -> Iterator[Problem]:
    """The same problems, each where the project file names its secret."""
    if problems:
        from obsctl.project.load import load_project
        from obsctl.project.sourcing import placed

        yield from placed(problems, load_project(file).document)


def _dsn_problems(root: Path, rendered: Rendered, wrong: AbstractSet[str]) -> Iterator[Problem]:
    """The DSNs of a Sentry that are none, beside those that are known to be `wrong` already."""
    errors = rendered.errors
    if not errors:
        return
    from obsctl.project.dsn import dsn_problem

    names = {one.secret for one in errors.projects if not one.origin}
    for name in sorted(names - wrong):
        if problem := dsn_problem(root, name):
            yield problem
