"""`obsctl secrets`: what there is, and new values."""

from pathlib import Path
from typing import Annotated

import typer

File = Annotated[Path, typer.Option("--file", "-f", help="Project file.", readable=False)]

app = typer.Typer(
    help="List the secrets of the stack, and give them new values.", no_args_is_help=True
)


@app.callback()
def _group() -> None:
    """List the secrets of the stack, and give them new values."""


@app.command("list")
def listing(file: File = Path("obsctl.yaml")) -> None:
    """Each secret, who uses it, its age and where it comes from; never a value."""
    from obsctl.cli.rotating import rows
    from obsctl.console import print_table

    print_table("", ("SECRET", "AGE", "FROM", "USED BY"), rows(file))


@app.command("rotate")
def rotate(
    names: Annotated[list[str] | None, typer.Argument(help="Secrets to rotate.")] = None,
    file: File = Path("obsctl.yaml"),
    *,
    all_: Annotated[
        bool, typer.Option("--all", help="All that obsctl makes up or has a source for.")
    ] = False,
    stdin: Annotated[
        bool, typer.Option("--stdin", help="Read the new value of one secret of yours.")
    ] = False,
) -> None:
    """Change values inside the running components; the old ones go once the new ones work."""
    from obsctl.cli.rotating import Wanted, rotate_secrets
    from obsctl.console import print_data

    for line in rotate_secrets(file, Wanted(tuple(names or ()), all_, stdin)):
        print_data(line)
