"""`obsctl validate`: the project file alone, all problems at once."""

from pathlib import Path
from typing import Annotated

from obsctl.cli.options import option

File = Annotated[Path, option("--file", "-f", help="Project file.", readable=False)]
Json = Annotated[bool, option("--json", help="Print the problems as JSON.")]


def command(file: File = Path("obsctl.yaml"), *, json: Json = False) -> None:
    """Check the project file. Needs neither Docker nor secrets, and writes nothing."""
    from obsctl.cli.pipeline import build
    from obsctl.console import print_data, print_note, problems_as_json
    from obsctl.errors import ProjectFileError
    from obsctl.stack.budget import told_budget

    try:
        # Rendered in memory: whether a patch meets a file shows only then.
        built = build(file)
    except ProjectFileError as error:
        if not json:
            raise
        print_data(problems_as_json(error.problems))
        raise SystemExit(error.exit_code) from None
    if json:
        print_data(problems_as_json(()))
    loaded, stack = built.loaded, built.stack
    alerts = sum(rule.alert is not None for group in stack.rule_groups for rule in group.rules)
    counts = (
        _count(len(loaded.project.services), "service"),
        _count(len(stack.scrape_jobs), "scrape job"),
        _count(alerts, "alerting rule"),
        _count(len(stack.services), "container"),
    )
    print_note(f"{file} is valid: {', '.join(counts)}")
    for amount, shares in told_budget(stack):
        print_note(f"{amount}: {shares}")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
