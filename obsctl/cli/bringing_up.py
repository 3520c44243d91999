"""What `up` does before and after the Engine's part."""

from collections.abc import Iterator
from pathlib import Path

from obsctl.cli.pipeline import Built, build
from obsctl.conventions import COMPOSE_FILE
from obsctl.engine.plan import Plan
from obsctl.engine.up import Patience, bring_up
from obsctl.errors import Problem, ProjectFileError, RenderError
from obsctl.project import secrets
from obsctl.project.load import LoadedProject


def bring_up_project(file: Path, patience: Patience, *, frozen: bool) -> tuple[Built, Plan]:
    """Render, verify and write what is stale, then apply; RenderError for stale with `frozen`."""
    from obsctl.console import steps

    built = build(file)
    complete_secrets(built.loaded)
    _write_stale(built, frozen=frozen)
    compose_file = built.stack_directory / COMPOSE_FILE
    project = built.loaded.project.project
    with steps() as on_event:
        plan = bring_up(compose_file, project, built.loaded.root, on_event, patience)
    return built, plan


def complete_secrets(loaded: LoadedProject) -> None:
    """Make what is missing and can be made; raises ProjectFileError for what the user owes."""
    from obsctl.console import print_note

    wanted, given = secrets.generated_names(loaded.project), secrets.given_names(loaded.project)
    if secrets.missing(loaded.root, wanted) and (made := secrets.generate(loaded.root, wanted)):
        print_note("made secrets/: " + ", ".join(made))
    if problems := secrets.check(loaded.root, (*wanted, *given), given):
        raise ProjectFileError(*problems)


def _write_stale(built: Built, *, frozen: bool) -> None:
    from obsctl.cli.files import tell_changes
    from obsctl.render.verify import raise_on_problems, verify
    from obsctl.render.write import is_stale, write

    if not is_stale(built.files, built.stack_directory):
        return
    if frozen:
        raise RenderError(
            Problem(
                f"`{built.stack_directory}` is stale",
                hint="`obsctl render --check` shows the difference, `obsctl render` writes it",
            )
        )
    raise_on_problems(verify(built.files, built.stack_directory))
    tell_changes(write(built.files, built.stack_directory))


def endpoint_rows(built: Built) -> Iterator[tuple[str, str, str]]:
    """The pages and APIs of the stack, for a table."""
    for endpoint in built.stack.endpoints:
        yield endpoint.component, endpoint.url, endpoint.note
