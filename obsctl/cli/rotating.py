"""What `obsctl secrets` does, and how `up` ends a rotation that was cut off."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from obsctl.cli.pipeline import Built, build
from obsctl.engine.client import Engine
from obsctl.engine.run.lock import Waiting, project_lock
from obsctl.engine.run.patience import Patience
from obsctl.engine.up import Goal
from obsctl.errors import (
    EngineError,
    ObsctlError,
    Problem,
    ProjectFileError,
    Stopped,
    UsageError,
)
from obsctl.health import session
from obsctl.project import secret_files
from obsctl.project.derived import derive
from obsctl.project.known_keys import known_keys_hint
from obsctl.project.secret_checks import CONTENT_MAX_BYTES, value_fault
from obsctl.project.secrets import given_names, made_up, sources_of
from obsctl.project.sources import SourceError
from obsctl.project.sourcing import checked, placed, problem_of
from obsctl.render.write import is_stale
from obsctl.rotation.inventory import Secret, Way, inventory
from obsctl.rotation.rotation import Rotation

_LOCK_S: Final = 600.0
_AGES: Final = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line of `rotate` asks for."""

    names: tuple[str, ...]
    all: bool
    stdin: bool


def rows(file: Path) -> Iterator[tuple[str, str, str, str]]:
    """Name, age, origin and users of each secret."""
    for one in _inventory(build(file)).values():
        yield one.name, _age(one.changed_at), one.origin, ", ".join(one.used_by)


def rotate_secrets(file: Path, wanted: Wanted) -> Iterator[str]:
    """Rotate what is wanted; one line for each secret, when all is done."""
    from obsctl.console import print_note, steps

    built = build(file)
    known = _inventory(built)
    chosen = _chosen(known, wanted, built.stack.project)
    with steps() as on_event, _rotation(built, _goal(built), on_event, print_note) as rotation:
        if secret_files.unfinished(rotation.goal.root):
            print_note("a rotation was cut off; bringing it to its end first")
            rotation.finish()
        _check_current(built, rotation.goal)
        values = _values(built, chosen, stdin=wanted.stdin)
        rotation.rotate(values)
    for one in known.values() if wanted.all else ():
        if one.name not in chosen:
            yield f"{one.name}: left as it is: {_why_left(one)}"
    for name, one in chosen.items():
        done = f"rotated{_left_to_do(one)}"
        yield f"{name}: {done if name in values else f'unchanged, as {one.origin} says'}"


@contextmanager
def resumed(file: Path, goal: Goal, patience: Patience) -> Iterator[Rotation]:
    """The rotation that `up` has to bring to its end, as `goal` wants the stack."""
    from obsctl.console import print_note, steps

    built = build(file)
    with steps() as on_event, _rotation(built, goal, on_event, print_note, patience) as rotation:
        yield rotation


@contextmanager
def _rotation(
    built: Built,
    goal: Goal,
    on_event: Callable[..., None],
    tell: Callable[[str], None],
    patience: Patience = Patience(),  # noqa: B008 - it is frozen
) -> Iterator[Rotation]:
    waiting = Waiting(_LOCK_S, tell, lambda: None)
    with project_lock(goal.state_directory / "rotation", waiting):
        context = session.context_of(built.stack, built.files, built.loaded.root)
        known, derived = _inventory(built), built.summary().derived
        try:
            yield Rotation(
                context, goal, known, tell, on_event, patience, lambda: derive(goal.root, derived)
            )
        except (Stopped, KeyboardInterrupt) as error:
            raise cut_off(error, goal.root) from None


def cut_off(error: Stopped | KeyboardInterrupt, root: Path) -> BaseException:
    """The same, with what is between two values: more than the engine knows of."""
    names = secret_files.in_rotation(root)
    if not names:
        return error
    hint = "`obsctl up` or the same `rotate` goes on from here; no value is lost"
    problem = Problem(f"interrupted while {', '.join(names)} had two values", hint=hint)
    return (type(error) if isinstance(error, Stopped) else Stopped)(problem)


def _inventory(built: Built) -> dict[str, Secret]:
    project = built.loaded.project
    context = session.context_of(built.stack, built.files, built.loaded.root)
    return inventory(context, sources_of(project), given_names(project))


def _goal(built: Built) -> Goal:
    return Goal.of(built.loaded.root, built.loaded.project.project)


def _chosen(known: dict[str, Secret], wanted: Wanted, project: str) -> dict[str, Secret]:
    """UsageError with everything that is wrong with what the command line asks for."""
    if wanted.all == bool(wanted.names):
        raise UsageError(Problem("which secrets?", hint="give their names, or `--all`"))
    if wanted.stdin and len(wanted.names) != 1:
        raise UsageError(Problem("`--stdin` goes with the name of one secret"))
    names = [name for name, one in known.items() if one.can_renew] if wanted.all else wanted.names
    problems = [one for name in names for one in _refusals(known, name, wanted, project)]
    if problems:
        raise UsageError(*problems)
    return {name: known[name] for name in dict.fromkeys(names)}


def _refusals(
    known: dict[str, Secret], name: str, wanted: Wanted, project: str
) -> Iterator[Problem]:
    one = known.get(name)
    if one is None:
        hint = known_keys_hint(name, tuple(known))
        yield Problem(f"the stack uses no secret `{name}`", hint=hint)
    elif one.kept_because:
        words = f"obsctl does not rotate `{name}`: {one.kept_because}"
        yield Problem(words, hint=one.anew(project))
    elif wanted.stdin and (one.source or one.way is not Way.GIVEN):
        how = f"comes from its source, {one.source}" if one.source else "is made up by obsctl"
        hint = "leave `--stdin` out; a value of your own comes from a source under `secrets`"
        yield Problem(f"the value of `{name}` {how}", hint=hint)
    elif not wanted.stdin and not one.can_renew:
        hint = "change it there first, then pipe the new value in with `--stdin`"
        yield Problem(f"only you know the new value of `{name}`", hint=hint)


def _left_to_do(one: Secret) -> str:
    return f"; restart what reads it: {', '.join(one.apps)}" if one.apps else ""


def _why_left(one: Secret) -> str:
    return one.kept_because or "only you know its new value; `rotate NAME --stdin` takes it"


def _check_current(built: Built, goal: Goal) -> None:
    """What is not as it should be now could not be told from what a rotation breaks."""
    hint = "run `obsctl up` first; nothing was changed"
    if is_stale(built.files, built.stack_directory):
        raise ObsctlError(Problem(f"`{built.stack_directory}` is stale", hint=hint))
    changes = goal.plan(Engine.open()).changes
    if changes:
        told = ", ".join(f"{one.key}: {one.cause}" for one in changes[:3])
        words = f"what runs is not what the project file asks for ({told})"
        raise EngineError(Problem(words, hint=hint))


def _values(built: Built, chosen: dict[str, Secret], *, stdin: bool) -> dict[str, bytes]:
    """The new values, of those that have one; ProjectFileError with every one that cannot be."""
    root, problems, values = built.loaded.root, [], {}
    for name, one in chosen.items():
        try:
            value = _new_value(one, root, stdin=stdin)
        except SourceError as error:
            problems.append(problem_of(name, error))
            continue
        if value != secret_files.read(root, name):
            values[name] = value
    if problems:
        raise ProjectFileError(*placed(problems, built.loaded.document))
    return values


def _new_value(one: Secret, root: Path, *, stdin: bool) -> bytes:
    if one.source:
        return checked(one.name, one.source, root)
    if not stdin:
        return made_up(one.name)
    value = given(one.name)
    if fault := value_fault(one.name, value):
        raise SourceError(f"the value on standard input {fault}")
    return value


def given(name: str) -> bytes:
    """The value on standard input, without a line break at its end; unseen where it is typed."""
    if sys.stdin.isatty():
        from getpass import getpass

        try:
            return getpass(f"new value of {name}: ").encode()
        except EOFError:
            return b""
    return sys.stdin.buffer.read(CONTENT_MAX_BYTES + 2).removesuffix(b"\n")


def _age(changed_at: float | None) -> str:
    if changed_at is None:
        return "missing"
    seconds = max(int(time.time() - changed_at), 0)
    unit, name = next((pair for pair in _AGES if seconds >= pair[0]), _AGES[-1])
    return f"{seconds // unit} {name}"
