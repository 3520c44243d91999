"""`obsctl up`: render, verify, plan, apply, wait until healthy."""

from pathlib import Path
from typing import Annotated

from obsctl.cli.options import option


def command(  # noqa: PLR0913 - one for each option
    file: Annotated[Path, option("--file", "-f", help="Project file.", readable=False)] = Path(
        "obsctl.yaml"
    ),
    *,
    frozen: Annotated[
        bool, option("--frozen", help="Write nothing; refuse a stale stack/.")
    ] = False,
    no_wait: Annotated[
        bool, option("--no-wait", help="Do not wait for another obsctl; exit 5 instead.")
    ] = False,
    dry_run: Annotated[
        bool, option("--dry-run", help="Only show what would be done, as `plan` does.")
    ] = False,
    timeout: Annotated[
        float, option("--timeout", min=1, metavar="SECONDS", help="For each container.")
    ] = 600,
    accept_data_risk: Annotated[
        list[str] | None,
        option(
            "--accept-data-risk",
            metavar="SERVICE",
            help="Change the image of SERVICE without saving its data first.",
        ),
    ] = None,
    new_secret: Annotated[
        list[str] | None,
        option(
            "--new-secret",
            metavar="NAME",
            help="Make the lost secret NAME anew, though it was in use before.",
        ),
    ] = None,
) -> None:
    """Make the running stack what the project file says. On failure the old one serves on."""
    from obsctl.cli.bringing_up import Wish, bring_up_project
    from obsctl.console import print_note, print_table
    from obsctl.engine.run.patience import Patience

    patience = Patience(0 if no_wait else timeout, timeout)
    wish = Wish(patience, frozen, frozenset(accept_data_risk or ()), frozenset(new_secret or ()))
    if dry_run:
        from obsctl.cli.planning import plan_of, show

        show(plan_of(file, wish), as_json=False)
        return
    rendered, plan = bring_up_project(file, wish)
    if not plan.changes:
        print_note("nothing to do: what runs is what the project file asks for")
    print_table("", ("COMPONENT", "URL", ""), rendered.endpoints)
