"""obsctl check: proof that the running stack works, and the cause where it does not."""

from pathlib import Path
from typing import Annotated

from obsctl.cli.options import option


def command(  # noqa: PLR0913 - one parameter per option
    file: Annotated[Path, option("--file", "-f", help="Project file.", readable=False)] = Path(
        "obsctl.yaml"
    ),
    *,
    deep: Annotated[
        bool,
        option("--deep", help="Send canaries: a line to each log input, alerts to all."),
    ] = False,
    receiver_sink: Annotated[
        bool,
        option("--receiver-sink", help="Like --deep, and tell no receiver but ourselves."),
    ] = False,
    security: Annotated[
        bool,
        option("--security", help="Look at what the containers may, by the CIS items."),
    ] = False,
    verbose: Annotated[
        bool, option("--verbose", "-v", help="Show all: remarks in full, and what is well.")
    ] = False,
    json: Annotated[bool, option("--json", help="Print the report as JSON.")] = False,
    junit: Annotated[
        Path | None, option("--junit", metavar="FILE", help="Write a JUnit report.")
    ] = None,
    html: Annotated[
        Path | None, option("--html", metavar="FILE", help="Write a page to look at.")
    ] = None,
    wait: Annotated[float, option("--wait", min=0, metavar="SECONDS", help="Wait for green.")] = 0,
    watch: Annotated[bool, option("--watch", help="Check again and again until Ctrl-C.")] = False,
    target: Annotated[
        list[str] | None,
        option("--target", metavar="COMPONENT=URL", help="Where a component is reached."),
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
    checking.refuse_unwritable(forms)
    context = checking.context(file, target or [])
    if security:
        raise SystemExit(checking.secure(context, forms))
    if watch:
        checking.watch(context, forms)
    report = checking.check(context, depth)
    checking.tell(context, report, forms)
    raise SystemExit(report.exit_code)
