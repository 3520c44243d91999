"""`obsctl plan`: what `up` would do and why; changes nothing."""

from pathlib import Path
from typing import Annotated

from obsctl.cli.options import option


def command(
    file: Annotated[Path, option("--file", "-f", help="Project file.", readable=False)] = Path(
        "obsctl.yaml"
    ),
    *,
    json: Annotated[bool, option("--json", help="Print the plan as JSON.")] = False,
    exit_code: Annotated[
        bool, option("--exit-code", help="Exit 1 when `up` would change anything.")
    ] = False,
) -> None:
    """Show what `up` would do and why, and what would stop it."""
    from obsctl.cli.planning import plan_of, show

    planned = plan_of(file)
    show(planned, as_json=json)
    raise SystemExit(1 if exit_code and planned.has_changes else 0)
