"""obsctl alert test: does an alert reach its receiver?"""

from pathlib import Path
from typing import Annotated, Literal

import typer

app = typer.Typer(help="Try alerts out.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Try alerts out."""


@app.command("test")
def try_out(
    name: Annotated[str, typer.Argument(help="A rendered alert, such as HighErrorRate.")] = "",
    file: Annotated[
        Path, typer.Option("--file", "-f", help="Project file.", readable=False)
    ] = Path("obsctl.yaml"),
    *,
    severity: Annotated[
        Literal["critical", "warning", "info"] | None,
        typer.Option("--severity", help="Of the alert; without NAME, of a made-up one."),
    ] = None,
) -> None:
    """Send a test alert its real way, say what the receiver answered, resolve it."""
    from obsctl.cli.pipeline import build
    from obsctl.console import print_data
    from obsctl.errors import Problem, UsageError
    from obsctl.health import session
    from obsctl.health.canaries import trial

    if not name and not severity:
        raise UsageError(Problem("which alert?", hint="give its name, or `--severity critical`"))
    built = build(file)
    context = session.context_of(built.stack, built.files, built.loaded.root)
    failed = False
    for step in trial.try_alert(context, trial.labels_of(context, name, severity or "")):
        print_data(step.text if step.ok else f"FAIL {step.text}")
        failed = failed or not step.ok
    raise typer.Exit(1 if failed else 0)
