"""`obsctl logs`: the services' logs as one stream."""

from pathlib import Path
from typing import Annotated

import typer


def command(
    services: Annotated[
        list[str] | None, typer.Argument(metavar="[SERVICE]...", help="All when none is named.")
    ] = None,
    *,
    file: Annotated[
        Path, typer.Option("--file", "-f", help="Project file.", readable=False)
    ] = Path("obsctl.yaml"),
    follow: Annotated[bool, typer.Option("--follow", help="Go on as new lines come.")] = False,
    tail: Annotated[
        int, typer.Option("--tail", min=0, metavar="N", help="Lines of each service.")
    ] = 100,
) -> None:
    """Print the logs of the services, each line with its service."""
    from obsctl.console import print_data
    from obsctl.engine.client import Engine
    from obsctl.engine.located import locate_stack
    from obsctl.engine.logs import log_lines

    stack = locate_stack(file)
    chosen = tuple(services or ())
    for line in log_lines(Engine.open(), stack.project, chosen, tail=tail, follow=follow):
        print_data(f"{line.service} | {line.text}")
