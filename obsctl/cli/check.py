"""obsctl check: proof that the running stack works, and the cause where it does not."""

from pathlib import Path
from typing import Annotated

import typer


def command(  # noqa: PLR0913 - one parameter per option
    file: Annotated[
        Path, typer.Option("--file", "-f", help="Project file.", readable=False)
    ] = Path("obsctl.yaml"),
    *,
    deep: Annotated[
        bool,
        typer.Option("--deep", help="Send canaries: a line to each log input, alerts to all."),
    ] = False,
    receiver_sink: Annotated[
        bool,
        typer.Option("--receiver-sink", help="Like --deep, and tell no receiver but ourselves."),
    ] = False,
    security: Annotated[
        bool,
        typer.Option("--security", help="Look at what the containers may, by the CIS items."),
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show all: remarks in full, and what is well.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    junit: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", help="Write a JUnit report.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page to look at.")
    ] = None,
    wait: Annotated[
        float, typer.Option("--wait", min=0, metavar="SECONDS", help="Wait for green.")
    ] = 0,
    watch: Annotated[
        bool, typer.Option("--watch", help="Check again and again until Ctrl-C.")
    ] = False,
    target: Annotated[
        list[str] | None,
        typer.Option("--target", metavar="COMPONENT=URL", help="Where a component is reached."),
    ] = None,
) -> None:
    """Check that every part of the running stack works. Exits 1 when one does not."""
    from obsctl.cli import checking

    forms = checking.Forms(json=json, junit=junit, html=html, verbose=verbose)
    depth = checking.Depth(wait, deep=deep, receiver_sink=receiver_sink)
    if security:
        checking.refuse_with_security(depth, watch=watch)
    if watch:
        checking.refuse_with_watch(forms, depth)
    context = checking.context(file, target or [])
    if security:
        raise typer.Exit(checking.secure(context, forms))
    if watch:
        checking.watch(context, forms)
    report = checking.check(context, depth)
    checking.tell(context, report, forms)
    raise typer.Exit(report.exit_code)
