"""obsctl render: obsctl.yaml -> stack/."""

from pathlib import Path
from typing import Annotated

import typer


def command(
    file: Annotated[
        Path, typer.Option("--file", "-f", help="Project file.", show_default=True)
    ] = Path("obsctl.yaml"),
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; print a diff and exit 1 if stale.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite files that were edited by hand.")
    ] = False,
) -> None:
    """Write the stack's files from the project file."""
    from obsctl import console
    from obsctl.cli.files import tell_changes
    from obsctl.cli.pipeline import build
    from obsctl.conventions import STACK_DIRECTORY
    from obsctl.render.verify import raise_on_problems, verify
    from obsctl.render.write import difference, is_stale, write

    built = build(file)
    if check:
        stale = difference(built.files, built.stack_directory)
        if stale:
            console.print_diff(stale)
        raise typer.Exit(1 if stale else 0)
    if is_stale(built.files, built.stack_directory):
        raise_on_problems(verify(built.files, built.stack_directory))
    changes = write(built.files, built.stack_directory, force=force)
    tell_changes(changes)
    console.print_note(f"{STACK_DIRECTORY}/ is up to date: {len(built.files)} files")
