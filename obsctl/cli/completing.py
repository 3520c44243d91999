"""What `up` does about secrets before all else: it fetches, makes and derives what is missing."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path

from obsctl.cli.foreseeing import at_their_places, lost_secrets, refused, secret_faults
from obsctl.conventions import ACCOUNTS, SECRETS_DIRECTORY
from obsctl.engine.up import Goal
from obsctl.errors import Problem, ProjectFileError, UsageError
from obsctl.project import secret_files, secrets
from obsctl.project.derived import derive
from obsctl.project.secret_checks import SecretProblem
from obsctl.render.record import Rendered


def complete_secrets(file: Path, rendered: Rendered, goal: Goal, new: AbstractSet[str]) -> None:
    """Fetch and make what can be; raises ProjectFileError for what the user owes, at its place.

    Nothing is changed where a secret is lost that is not among the `new` ones.
    """
    from obsctl.console import print_note

    root, sources = goal.root, rendered.sources
    wanted = set(rendered.generated_secrets) - sources.keys()
    _check_new(root, new, wanted)
    missing = secrets.missing(root, wanted)
    lost = _renewable(file, rendered, goal, missing, new)
    problems = _fetched(root, sources) if sources else ()
    _begin_reset(root, lost & set(ACCOUNTS))
    if missing:
        secrets.generate(root, missing)
        print_note("made secrets/: " + ", ".join(missing))
    told = {problem.secret for problem in problems if isinstance(problem, SecretProblem)}
    if problems := (*problems, *secret_faults(root, rendered, told)):
        raise ProjectFileError(*at_their_places(problems, file))
    if made := derive(root, rendered.derived):
        print_note("wrote secrets/: " + ", ".join(made))


def _check_new(root: Path, new: AbstractSet[str], wanted: AbstractSet[str]) -> None:
    """UsageError for names that `up` does not make, or that are there."""
    problems = []
    for name in sorted(new):
        if name not in wanted:
            known = ", ".join(sorted(wanted))
            words = f"obsctl makes no secret `{name}` for this project"
            problems.append(Problem(words, hint=f"it makes: {known}"))
        elif not secrets.missing(root, (name,)):
            hint = f"leave `--new-secret` out; `obsctl secrets rotate {name}` changes its value"
            problems.append(Problem(f"`{SECRETS_DIRECTORY}/{name}` is there", hint=hint))
    if problems:
        raise UsageError(*problems)


def _renewable(
    file: Path, rendered: Rendered, goal: Goal, missing: Iterable[str], new: AbstractSet[str]
) -> set[str]:
    """The lost secrets that are to be made anew; ProjectFileError where any other is lost."""
    lost = lost_secrets(goal, missing)
    if wrong := refused(lost, new):
        known = {*missing, *rendered.sources}
        problems = (*wrong, *secret_faults(goal.root, rendered, known, makes_directory=True))
        raise ProjectFileError(*at_their_places(problems, file))
    return {one.secret for one in lost}


def _begin_reset(root: Path, names: Iterable[str]) -> None:
    """Make new passwords of accounts which have another one, for a rotation to set them there.

    The note of that comes first: cut off in between, the secret is still missing.
    """
    for name in sorted(names):
        value = secrets.made_up(name)
        secret_files.stage(root, name, value)
        secret_files.put(root, name, value)


def _fetched(root: Path, sources: Mapping[str, Mapping[str, object]]) -> tuple[Problem, ...]:
    from obsctl.console import print_note
    from obsctl.project.sources import Source
    from obsctl.project.sourcing import bring_in

    found = bring_in(root, {name: Source.of(data) for name, data in sources.items()})
    for name in found.changed:
        print_note(f"secrets/{name} has a new value from its source")
    for name, why in found.kept.items():
        print_note(f"secrets/{name} is kept as it is: {why}")
    return tuple(found.problems)
