"""obsctl check: proof that the running stack works, and the cause where it does not."""

from pathlib import Path
from typing import Annotated

import typer


def command(  # noqa: PLR0913 - one parameter per option
    file: Annotated[Path, typer.Option("--file", "-f", help="Project file.")] = Path("obsctl.yaml"),
    *,
    deep: Annotated[
        bool,
        typer.Option(
            "--deep", help="Send canaries too: a log line, and a test alert to every receiver."
        ),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    junit: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", help="Write a JUnit report.")
    ] = None,
    wait: Annotated[
        float, typer.Option("--wait", min=0, metavar="SECONDS", help="Wait for green.")
    ] = 0,
    target: Annotated[
        list[str] | None,
        typer.Option("--target", metavar="COMPONENT=URL", help="Where a component is reached."),
    ] = None,
) -> None:
    """Check that every part of the running stack works; exit 1 when one does not."""
    from obsctl.cli.pipeline import build
    from obsctl.console import print_data, print_note
    from obsctl.health import session, telling

    targets = session.parse_targets(target or [])
    built = build(file)
    context = session.context_of(built.stack, built.files, built.loaded.root, targets)
    report = session.check(
        context,
        session.Patience(wait, deep),
        lambda unfinished: print_note(telling.progress(unfinished)),
    )
    print_data(report.to_json() if json else telling.told(report))
    if junit:
        telling.write(junit, report.to_junit())
    raise typer.Exit(report.exit_code)
