"""`obsctl schema`: JSON Schemas of obsctl.yaml, for editors, and of check's report."""

from typing import Annotated, Literal

import typer


def command(
    what: Annotated[
        Literal["project", "report"],
        typer.Argument(help="The project file, or what `check --json` prints."),
    ] = "project",
) -> None:
    """Print the JSON Schema of obsctl.yaml or of check's report."""
    import json

    from obsctl.console import print_data

    if what == "report":
        from obsctl.health.telling.schema import report_schema as schema_of
    else:
        from obsctl.project.json_schema import json_schema as schema_of

    print_data(json.dumps(schema_of(), indent=2, ensure_ascii=False))
