"""obsctl render: obsctl.yaml -> stack/."""

from pathlib import Path
from typing import Annotated

from obsctl.cli.options import option


def command(
    file: Annotated[Path, option("--file", "-f", help="Project file.", readable=False)] = Path(
        "obsctl.yaml"
    ),
    *,
    check: Annotated[
        bool, option("--check", help="Write nothing; print a diff and exit 1 if stale.")
    ] = False,
    force: Annotated[
        bool, option("--force", help="Overwrite files that were edited by hand.")
    ] = False,
) -> None:
    """Write the stack's files from the project file."""
    from obsctl import console
    from obsctl.conventions import STACK_DIRECTORY
    from obsctl.render.inputs import fingerprint
    from obsctl.render.record import recall

    inputs = fingerprint(file)
    if rendered := recall(file, inputs):
        count = rendered.files
    else:
        from obsctl.cli.rendering import print_difference, write_files

        if check:
            raise SystemExit(print_difference(file))
        count = write_files(file, inputs, force=force)
    if not check:
        console.print_note(f"{STACK_DIRECTORY}/ is up to date: {count} files")
