"""`obsctl down`: stop and remove the stack; volumes stay unless asked for."""

from pathlib import Path
from typing import Annotated

import typer


def command(
    file: Annotated[
        Path, typer.Option("--file", "-f", help="Project file.", readable=False)
    ] = Path("obsctl.yaml"),
    *,
    volumes: Annotated[
        bool, typer.Option("--volumes", help="Remove the volumes too: all stored data.")
    ] = False,
) -> None:
    """Stop and remove the project's containers and networks. Data stays unless asked for."""
    from obsctl.console import print_note, steps
    from obsctl.engine.down import take_down
    from obsctl.engine.located import locate_stack

    stack = locate_stack(file)
    with steps() as on_event:
        removed = take_down(stack.project, stack.root, on_event, volumes=volumes)
    print_note(str(removed))
