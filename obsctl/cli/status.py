"""`obsctl status`: every service of the stack and how it is."""

from pathlib import Path
from typing import Annotated

from obsctl.cli.options import option


def command(
    file: Annotated[Path, option("--file", "-f", help="Project file.", readable=False)] = Path(
        "obsctl.yaml"
    ),
    *,
    json: Annotated[bool, option("--json", help="Print the services as JSON.")] = False,
) -> None:
    """Show the state of every service. Exits 1 when one does not run as it should."""
    from json import dumps

    from obsctl.console import print_data, print_note, print_table
    from obsctl.engine.applying.snapshots import snapshots
    from obsctl.engine.client import Engine
    from obsctl.engine.located import locate_stack
    from obsctl.engine.status import COLUMNS, service_statuses

    stack, engine = locate_stack(file), Engine.open()
    services = service_statuses(engine, stack.project, stack.desired())
    if json:
        print_data(dumps([service.as_data() for service in services], indent=2))
    elif not services:
        print_note(f"nothing of {stack.project} is here yet; `obsctl up` brings it up")
    else:
        print_table(stack.project, COLUMNS, [service.row() for service in services])
        for snapshot in snapshots(engine.volumes(), stack.project):
            print_note(str(snapshot))
    raise SystemExit(0 if services and all(service.ok for service in services) else 1)
