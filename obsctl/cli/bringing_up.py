"""What `up` does before and after the Engine's part."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from obsctl.cli.completing import complete_secrets
from obsctl.engine.desired.coming import Coming
from obsctl.engine.planning.plan import Plan
from obsctl.engine.run.patience import Patience
from obsctl.engine.up import Goal, bring_up
from obsctl.errors import EngineError, Problem, RenderError
from obsctl.project import secret_files
from obsctl.render.inputs import fingerprint
from obsctl.render.record import Rendered, recall

if TYPE_CHECKING:
    from obsctl.cli.pipeline import Built
    from obsctl.rotation.rotation import Rotation


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line asks of `up`."""

    patience: Patience
    frozen: bool = False
    at_risk: frozenset[str] = frozenset()
    new_secrets: frozenset[str] = frozenset()


def bring_up_project(file: Path, wish: Wish) -> tuple[Rendered, Plan]:
    """Render and verify, then write and apply; RenderError for a stale stack/ with `frozen`."""
    from obsctl.console import steps

    inputs = fingerprint(file)
    rendered, built = recall(file, inputs), None
    if rendered is None:
        built = _built(file)
        rendered = built.summary()
    root = file.absolute().parent
    whole = coming_of(built) if built else Coming()
    complete_secrets(file, rendered, Goal.of(root, rendered.project, whole), wish.new_secrets)
    coming = _verified(built, frozen=wish.frozen) if built else Coming()
    goal = Goal.of(root, rendered.project, coming, wish.at_risk)
    try:
        if secret_files.unfinished(root):
            plan = _with_rotation(file, goal, wish.patience)
        else:
            with steps() as on_event:
                plan = bring_up(goal, on_event, wish.patience)
    except EngineError as error:
        coming.check()  # what is wrong with the files themselves comes first
        raise EngineError(*placed(error.problems, file)) from error
    if built:
        built.remember(inputs)
    _complete_errors(root, rendered, wish.patience)
    return rendered, plan


def _complete_errors(root: Path, rendered: Rendered, patience: Patience) -> None:
    if rendered.errors and rendered.errors.tracker == "bugsink":
        from obsctl.console import print_note
        from obsctl.engine.components.error_projects import complete_projects

        complete_projects(rendered.project, rendered.errors, root, print_note, patience.lock_s)


def _with_rotation(file: Path, goal: Goal, patience: Patience) -> Plan:
    """Bring up, and end a rotation that was cut off or that a source has begun.

    What its component does not take before it runs is taken after that.
    """
    from obsctl.cli.rotating import resumed

    with resumed(file, goal, patience) as rotation:
        rotation.promote(patient=True)
        try:
            plan = bring_up(goal, rotation.on_event, patience)
        except EngineError as error:
            # A set-up that signs in with the old value of an account fails once it is changed.
            if not _promoted(rotation, error):
                raise
            plan = bring_up(goal, rotation.on_event, patience)
        rotation.finish()
        return plan


def _promoted(rotation: "Rotation", failure: EngineError) -> bool:
    """Whether anything was still to put in force; EngineError with the `failure` where it fails."""
    try:
        return rotation.promote()
    except EngineError as error:
        raise EngineError(*failure.problems, *error.problems) from error


def placed(problems: Iterable[Problem], file: Path) -> Iterator[Problem]:
    """Taken ports at the settings that ask for them, where the project file can still be read."""
    from obsctl.engine.preflight.problems import TakenPort

    for problem in problems:
        if isinstance(problem, TakenPort):
            from obsctl.project.load import load_project
            from obsctl.stack.ports import port_setting

            loaded = load_project(file)
            path = port_setting(loaded.project, problem.service, problem.port)
            place = loaded.document.locate(path)
            hint = f"free it, or set another `{'.'.join(map(str, path))}`"
            yield loaded.document.problem(problem.message, place, hint)
        else:
            yield problem


def _built(file: Path) -> "Built":
    # Schema and templates take longer to import than all the rest.
    from obsctl.cli.pipeline import build

    return build(file)


def _verified(built: "Built", *, frozen: bool) -> Coming:
    """The files that are yet to be written: when, is up to the engine."""
    from obsctl.cli.files import accept
    from obsctl.render.access import open_to_containers
    from obsctl.render.verify import begin
    from obsctl.render.write import is_stale

    if not is_stale(built.files, built.stack_directory):
        open_to_containers(built.stack_directory, (str(one.path) for one in built.files))
        return Coming()
    if frozen:
        raise RenderError(stale_problem(built.stack_directory))
    # Meanwhile the Engine is asked what it runs, and the components about their files.
    found = begin(built.files, built.stack_directory)
    return replace(coming_of(built), check=lambda: accept(found()))


def stale_problem(stack_directory: Path) -> Problem:
    """Why `--frozen` refuses."""
    return Problem(
        f"`{stack_directory}` is stale",
        hint="`obsctl render --check` shows the difference, `obsctl render` writes it",
    )


def coming_of(built: "Built") -> Coming:
    """All rendered files, and how they are written."""
    from obsctl.cli.files import tell_changes
    from obsctl.render.manifest import read_manifest
    from obsctl.render.write import write

    texts = {str(one.path): one.text for one in built.files}
    gone = read_manifest(built.stack_directory, force=True).paths - texts.keys()

    def write_all() -> None:
        tell_changes(write(built.files, built.stack_directory))

    return Coming(texts, gone, write_all)
