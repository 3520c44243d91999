"""obsctl explain: what a cause that `obsctl check` names means, and what to do about it."""

from typing import Annotated

import typer


def command(
    code: Annotated[str, typer.Argument(help="A code of `obsctl check`; none lists all.")] = "",
) -> None:
    """Explain a cause: what it means, how to see it, how to fix it."""
    from obsctl.console import print_data, print_table, terminal_size
    from obsctl.health.findings.causes import find_cause, load_causes

    if code:
        print_data(find_cause(code).text(terminal_size()[0]))
        return
    rows = [(cause.code, cause.shown[0]) for cause in load_causes().values()]
    print_table("", ("code", "cause"), rows)
