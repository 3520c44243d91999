"""What `obsctl check` does with its options: one report in every form, or a live one."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

if TYPE_CHECKING:
    from obsctl.health.asking.context import Context
    from obsctl.health.findings.report import HealthReport

_PAUSE_S: Final = 2.0
_WATCH_HEAD: Final = 1
"""Lines above the report of a run."""


@dataclass(frozen=True, slots=True)
class Forms:
    """The forms in which a report is wanted."""

    json: bool = False
    junit: Path | None = None
    html: Path | None = None
    verbose: bool = False


def context(file: Path, targets: Sequence[str]) -> "Context":
    """What the checks need of the project; `targets` are `component=URL` options."""
    from obsctl.cli.pipeline import build
    from obsctl.health import session

    overrides = session.parse_targets(targets)
    built = build(file)
    return session.context_of(built.stack, built.files, built.loaded.root, overrides)


@dataclass(frozen=True, slots=True)
class Depth:
    """How long to wait for green, and what to send on its way then."""

    wait_s: float = 0
    deep: bool = False
    receiver_sink: bool = False


def check(context: "Context", depth: Depth) -> "HealthReport":
    """One report; what fails meanwhile is told on stderr."""
    from obsctl.console import print_note
    from obsctl.health import session
    from obsctl.health.telling.text import progress

    patience = session.Patience(
        depth.wait_s,
        deep=depth.deep or depth.receiver_sink,
        receiver_sink=depth.receiver_sink,
        settle=True,
    )
    return session.check(context, patience, lambda report: print_note(progress(report)))


def tell(context: "Context", report: "HealthReport", forms: Forms) -> None:
    """Print the report, and write the files that were asked for."""
    from obsctl.console import terminal_size
    from obsctl.health.telling.text import Style, told

    style = Style(*terminal_size(), forms.verbose)
    _tell(context, report, forms, lambda: told(report, style))


def secure(context: "Context", forms: Forms) -> int:
    """Look at what the containers may, and tell it; the exit code."""
    from obsctl.console import terminal_size
    from obsctl.health.audit.table import table
    from obsctl.health.audit.verdicts import audit
    from obsctl.health.telling.text import Style

    found = audit(context)
    style = Style(*terminal_size(), forms.verbose)
    _tell(context, found.report, forms, lambda: table(found, style))
    return found.report.exit_code


def _tell(
    context: "Context", report: "HealthReport", forms: Forms, text: Callable[[], str]
) -> None:
    from obsctl.console import print_data, print_report
    from obsctl.health.telling.text import write

    if forms.json:
        print_data(report.to_json())
    else:
        print_report(text())
    if forms.junit:
        write(forms.junit, report.to_junit())
    if forms.html:
        from obsctl.health.telling.page import page

        write(forms.html, page(context.stack, report, datetime.now().astimezone()))


def refuse_unwritable(forms: Forms) -> None:
    """Before anything is asked; UsageError names all files that cannot be."""
    from obsctl.errors import Problem, UsageError

    problems = []
    for path in filter(None, (forms.junit, forms.html)):
        if path.is_dir():
            problems.append(Problem(f"cannot write `{path}`: it is a directory"))
        elif not path.parent.is_dir():
            problems.append(Problem(f"cannot write `{path}`: there is no `{path.parent}`"))
    if problems:
        raise UsageError(*problems)


def refuse_with_security(depth: Depth, *, watch: bool) -> None:
    """It looks once and sends nothing; UsageError names all that do not fit."""
    _refuse(
        "--security",
        {
            "--deep": depth.deep,
            "--receiver-sink": depth.receiver_sink,
            "--wait": depth.wait_s,
            "--watch": watch,
        },
    )


def refuse_with_watch(forms: Forms, depth: Depth) -> None:
    """A report that never ends has no other form; UsageError names all that do not fit."""
    _refuse(
        "--watch",
        {
            "--deep": depth.deep,
            "--receiver-sink": depth.receiver_sink,
            "--json": forms.json,
            "--junit": forms.junit,
            "--html": forms.html,
            "--wait": depth.wait_s,
        },
    )


def _refuse(with_: str, given: Mapping[str, object]) -> None:
    from obsctl.errors import Problem, UsageError

    problems = [
        Problem(f"`{option}` does not go with `{with_}`", hint="give one of them")
        for option, wanted in given.items()
        if wanted
    ]
    if problems:
        raise UsageError(*problems)


def watch(context: "Context", forms: Forms) -> NoReturn:
    """Check until the user interrupts: in place on a terminal, a line for each run elsewhere."""
    from obsctl.console import screen, terminal_size
    from obsctl.health import session
    from obsctl.health.telling.text import Style, summary, told

    head = f"{context.stack.project}, every {_PAUSE_S:g} s; Ctrl-C ends"
    with screen() as draw:
        if terminal_size()[0]:
            draw(f"{head}\nthe first check is under way")
        while True:
            report = session.check(context)
            now = f"{datetime.now():%H:%M:%S}"  # noqa: DTZ005 - the user's own clock
            columns, rows = terminal_size()
            if columns:
                style = Style(
                    columns, rows - _WATCH_HEAD, verbose=forms.verbose, verdict_on_top=True
                )
                draw(f"{now}  {head}\n{told(report, style)}")
            else:
                draw(f"{now}  {summary(report)}")
            time.sleep(_PAUSE_S)
