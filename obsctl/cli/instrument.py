"""obsctl instrument: the code that an application needs to be watched."""

from pathlib import Path
from typing import Annotated, Literal

import typer


def command(
    kind: Annotated[Literal["express", "fastapi"], typer.Argument(help="The app's framework.")],
    service: Annotated[
        str, typer.Option("--service", help="Which service, where several are of this kind.")
    ] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Directory to write to [stdout].")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="Project file [obsctl.yaml, if any].")
    ] = None,
    *,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that differ.")] = False,
) -> None:
    """Print or write code for an app: metrics, logs, error tracking."""
    from obsctl.cli import instrumenting

    app, root = instrumenting.find_app(kind, service, file)
    files = instrumenting.code(app, root)
    if output is None:
        instrumenting.show(files)
    else:
        instrumenting.store(files, output, force=force)
