"""The secrets that `up` would find wanting, make or fetch; read only, no value is told."""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from obsctl.engine.up import Goal
from obsctl.errors import Problem
from obsctl.project import secrets
from obsctl.project.secret_checks import SecretProblem, url_problem
from obsctl.render.record import Rendered

if TYPE_CHECKING:
    from obsctl.engine.preflight.lost_secrets import LostSecret


@dataclass(frozen=True, slots=True)
class SecretsAhead:
    """`made` and `fetched` are names that `up` completes itself; `problems` would stop it."""

    made: tuple[str, ...]
    fetched: tuple[str, ...]
    problems: tuple[Problem, ...]


def secrets_ahead(
    file: Path, rendered: Rendered, goal: Goal, new: AbstractSet[str]
) -> SecretsAhead:
    """What `up` would do about secrets; asks no source, as a source may be a command."""
    root, sourced = goal.root, rendered.sources.keys()
    missing = secrets.missing(root, set(rendered.generated_secrets) - sourced)
    fetched = secrets.missing(root, sourced)
    lost = refused(lost_secrets(goal, missing), new)
    later = {*missing, *fetched}
    problems = (*lost, *secret_faults(root, rendered, later, makes_directory=True))
    gone = {one.secret for one in lost}
    made = tuple(name for name in missing if name not in gone)
    return SecretsAhead(made, fetched, tuple(at_their_places(problems, file)))


def lost_secrets(goal: Goal, missing: Iterable[str]) -> "tuple[LostSecret, ...]":
    """Those of the `missing` that were in use before; the Engine is asked only where any is."""
    names = tuple(missing)
    if not names:
        return ()
    from obsctl.engine.client import Engine

    return goal.lost_secrets(Engine.open(), names)


def refused(lost: "Iterable[LostSecret]", new: AbstractSet[str]) -> "tuple[LostSecret, ...]":
    """Those that are not to be made anew, or cannot be."""
    return tuple(one for one in lost if not one.can_renew or one.secret not in new)


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
    for name in sorted(set(rendered.urls) - wrong):
        if problem := url_problem(root, name):
            yield problem


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
