"""`obsctl up`: render, verify, plan, apply, wait until healthy."""

from pathlib import Path
from typing import Annotated

import typer


def command(
    file: Annotated[Path, typer.Option("--file", "-f", help="Project file.")] = Path("obsctl.yaml"),
    *,
    frozen: Annotated[
        bool, typer.Option("--frozen", help="Write nothing; refuse a stale stack/.")
    ] = False,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Do not wait for another obsctl; exit 5 instead.")
    ] = False,
    timeout: Annotated[
        float, typer.Option("--timeout", min=1, metavar="SECONDS", help="For each container.")
    ] = 600,
) -> None:
    """Make the running stack what the project file says; on failure the old one serves on."""
    from obsctl.cli.bringing_up import bring_up_project, endpoint_rows
    from obsctl.console import print_note, print_table
    from obsctl.engine.up import Patience

    built, plan = bring_up_project(
        file, Patience(0 if no_wait else timeout, timeout), frozen=frozen
    )
    if not plan.changes:
        print_note("nothing to do: what runs is what the project file asks for")
    print_table("", ("COMPONENT", "URL", ""), endpoint_rows(built))
