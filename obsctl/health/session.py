"""From a built project to a finished report: the context, repeated runs, the patience."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from obsctl.conventions import PORTS, SECRETS_DIRECTORY, STACK_DIRECTORY
from obsctl.engine.components.compare import duration_s
from obsctl.errors import Problem, UsageError
from obsctl.health.asking.context import Context
from obsctl.health.asking.observed import containers_of
from obsctl.health.asking.once import Once
from obsctl.health.asking.run import run_checks
from obsctl.health.canaries.canary import deep_checks
from obsctl.health.findings.report import HealthReport
from obsctl.health.registry import CHECKS
from obsctl.render.rendered import RenderedFile
from obsctl.stack.model import Stack

_FIRST_PAUSE_S: Final = 0.2
_LONGEST_PAUSE_S: Final = 2.0
_SETTLING_S: Final = 20.0

OnReport = Callable[[HealthReport], None]


def context_of(
    stack: Stack,
    files: Iterable[RenderedFile],
    root: Path,
    targets: Mapping[str, str] | None = None,
) -> Context:
    """What the checks need of a project; `targets` override where components are asked."""
    return Context(
        stack=stack,
        files={str(file.path): file.text for file in files},
        root=root,
        stack_directory=root / STACK_DIRECTORY,
        secrets_directory=root / SECRETS_DIRECTORY,
        containers=containers_of(stack.project),
        targets=targets or {},
    )


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for green, and whether to send canaries once it is."""

    wait_s: float = 0.0
    deep: bool = False
    receiver_sink: bool = False  # no receiver is told of test alerts, but this machine
    settle: bool = False  # wait for what can be told in a moment, where nothing else fails


def check(
    context: Context, patience: Patience | None = None, on_report: OnReport | None = None
) -> HealthReport:
    """Run all checks until nothing fails or the time is over; canaries go last, and once.

    `on_report` is told each report that is not the last and fails otherwise than the one before.
    """
    patience = patience or Patience()
    report = _wait(context, patience, on_report or (lambda _: None))
    if not patience.deep:
        return report
    checks = deep_checks(receiver_sink=patience.receiver_sink)
    deep = run_checks(replace(context, once=Once()), checks, clean_up=True)
    return HealthReport.of((*report.findings, *deep.findings), report.seconds + deep.seconds)


def _wait(context: Context, patience: Patience, on_report: OnReport) -> HealthReport:
    started = time.monotonic()
    settle_s = _settling_s(context) if patience.settle else 0.0
    pause_s = _FIRST_PAUSE_S
    told: list[str] = []
    while True:
        report = run_checks(replace(context, once=Once()), CHECKS)
        wait_s = max(patience.wait_s, settle_s) if report.healthy else patience.wait_s
        left_s = started + wait_s - time.monotonic()
        if left_s <= 0 or (report.healthy and not report.early):
            return report
        failing = [f"{f.subject} {f.code}" for f in report.findings if f.state == "fail"] or [""]
        if failing != told:
            on_report(report)
            told = failing
        time.sleep(min(pause_s, left_s))
        pause_s = min(pause_s * 1.5, _LONGEST_PAUSE_S)


def _settling_s(context: Context) -> float:
    """The time after which all is scraped and evaluated once: an interval, and some room."""
    return (duration_s(context.stack.scrape_interval) or 0.0) + _SETTLING_S


def parse_targets(options: Sequence[str]) -> dict[str, str]:
    """`component=URL` options; UsageError with every one that is wrong."""
    problems = [problem for option in options for problem in _target_problems(option)]
    if problems:
        raise UsageError(*problems)
    return {name: url for name, _, url in (option.partition("=") for option in options)}


def _target_problems(option: str) -> list[Problem]:
    name, _, url = option.partition("=")
    if name not in PORTS:
        hint = f"components: {', '.join(PORTS)}"
        return [Problem(f"`--target {option}`: `{name}` is no component", hint=hint)]
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        hint = f"such as `--target {name}=http://192.0.2.7:{PORTS[name]}`"
        return [Problem(f"`--target {option}`: no http:// or https:// URL", hint=hint)]
    return []
