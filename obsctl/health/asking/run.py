"""Runs all checks in parallel, each with its own deadline, and puts the findings together."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from threading import Thread
from typing import Final

from obsctl.health.asking.context import OUT_OF_TIME, Context
from obsctl.health.asking.probe import ProbeError
from obsctl.health.findings.report import Finding, HealthReport, Layer

_WORKERS: Final = 16
CHECK_S: Final = 10.0

# What a component that does not run looks like from outside.
_NO_ANSWER: Final = frozenset({"not-listening", "no-answer", "no-http", "unreachable"})

CheckFunction = Callable[[Context], Iterable[Finding]]


@dataclass(frozen=True, slots=True)
class Check:
    """A function that yields findings; `needs` are the components that have to answer for it.

    The first of `needs` is the one that is asked.
    """

    layer: Layer
    subject: str
    claim: str
    function: CheckFunction
    needs: tuple[str, ...] = ()
    seconds: float = CHECK_S


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one check found until it ended or lost its component."""

    check: Check
    findings: tuple[Finding, ...]
    error: ProbeError | None = None


def run_checks(
    context: Context, checks: Sequence[Check], *, clean_up: bool = False
) -> HealthReport:
    """Run every check whose component is part of the stack.

    With `clean_up` an interrupt waits until each has taken back what it has sent; a second one
    does not.
    """
    started = time.monotonic()
    wanted = [check for check in checks if all(map(context.has, check.needs))]
    tasks = [(Future[Outcome](), check) for check in wanted]
    _start(tasks, context)
    try:
        outcomes = [outcome.result() for outcome, _ in tasks]
    except BaseException:
        context.stop.set()
        if clean_up:
            wait([outcome for outcome, _ in tasks])
        raise
    findings = judge(context, outcomes)
    return HealthReport.of(findings, time.monotonic() - started)


def _start(tasks: Sequence[tuple[Future[Outcome], Check]], context: Context) -> None:
    """Run the checks, some at a time, in threads that nobody waits for at the end of obsctl.

    A pool of concurrent.futures would: an interrupt lasted as long as a component hangs.
    """
    left = deque(tasks)

    def work() -> None:
        while True:
            try:
                outcome, check = left.popleft()
            except IndexError:
                return
            try:
                outcome.set_result(_run(check, context))
            except BaseException as error:  # noqa: BLE001 - raised where the result is asked for
                outcome.set_exception(error)

    for _ in range(min(_WORKERS, len(tasks))):
        Thread(target=work, name="check", daemon=True).start()


def _run(check: Check, context: Context) -> Outcome:
    off = next((name for name in check.needs if not context.serves(name)), None)
    if off is not None:
        return Outcome(check, (_not_asked(context, check, off),))
    findings: list[Finding] = []
    try:
        findings.extend(check.function(context.within(check.seconds)))
    except ProbeError as error:
        return Outcome(check, tuple(findings), error)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        # The answer has another shape than the component's API: some other program answers.
        words = f"{type(error).__name__}: {error}"
        return Outcome(check, tuple(findings), ProbeError("wrong-shape", words))
    return Outcome(check, tuple(findings))


def _not_asked(context: Context, check: Check, off: str) -> Finding:
    """Its container fails already; a stranger on its port would be asked in its place."""
    reason = "its container is not well" if off == check.subject else f"{off} is not ready"
    return context.claim(check.layer, check.subject, check.claim).skip(reason)


def judge(context: Context, outcomes: Sequence[Outcome]) -> list[Finding]:
    """All findings; what could not be checked because its component is down is skipped.

    One cause is told once: a container that does not run fails, and that it does not answer is
    no news; a component that is not ready fails, and the questions to it are skipped. One that
    is ready and does not answer a question fails that question.
    """
    found = [finding for outcome in outcomes for finding in outcome.findings]
    errors = [(outcome.check, outcome.error) for outcome in outcomes if outcome.error]
    broken = {f.subject for f in found if f.layer == "containers" and f.state == "fail"}
    first = _once_a_component([pair for pair in errors if pair[0].layer == "readiness"])
    found += [_not_ready(context, check, error, broken) for check, error in first]
    down = broken & {check.needs[0] for check, _ in first if check.needs}
    down |= {f.subject for f in found if f.layer == "readiness" and f.state == "fail"}
    # What has no process to ask was not even asked.
    down |= {name for name in broken if not context.serves(name)}
    later = [pair for pair in errors if pair not in first]
    found += [_no_answer(context, check, error, down) for check, error in later]
    return [_without_effect(finding, down, broken) for finding in found]


def _once_a_component(
    errors: Sequence[tuple[Check, ProbeError]],
) -> list[tuple[Check, ProbeError]]:
    """The first of each component: that it refuses the second question as well is no news."""
    return list({check.subject: (check, error) for check, error in reversed(errors)}.values())


def _not_ready(context: Context, check: Check, error: ProbeError, broken: set[str]) -> Finding:
    if check.subject in broken and error.code in _NO_ANSWER:
        claim = context.claim(check.layer, check.subject, check.claim)
        return claim.skip("its container is not well")
    return _failed(context, check, error)


def _no_answer(context: Context, check: Check, error: ProbeError, down: set[str]) -> Finding:
    claim = context.claim(check.layer, check.subject, check.claim)
    reason = next((name for name in check.needs if name in down), None)
    return claim.skip(f"{reason} is not ready") if reason else _failed(context, check, error)


def _without_effect(finding: Finding, down: set[str], broken: set[str]) -> Finding:
    """A failure that is nothing but the effect of one that is told already is skipped."""
    if finding.code == "target-container":
        culprit = next((name for name in broken if _is_asked(name, finding.evidence)), None)
    else:
        known = (name for name in EFFECTS.get(finding.code, ()) if name in down)
        of_one = finding.code in _NAME_THEIR_CULPRIT
        culprit = next((n for n in known if not of_one or n in finding.claim.lower()), None)
    if culprit is None:
        return finding
    reason = f"{culprit} is not well"
    return replace(finding, state="skip", evidence=reason, code="", cause="", fix="")


def _is_asked(name: str, error: str) -> bool:
    """Whether a scrape went to this container, or to the exporter that asks it in turn."""
    return any(f"//{host}:" in error for host in (name, f"{name}-exporter"))


EFFECTS: Final[Mapping[str, tuple[str, ...]]] = {
    "watchdog-silent": ("prometheus",),
    "alertmanager-refuses": ("alertmanager",),
    "datasource-unhealthy": ("prometheus", "elasticsearch"),
    "pipeline-not-running": ("elasticsearch",),
    "kibana-not-ready": ("elasticsearch",),
}
"""Causes that are effects, and the components whose failure explains them."""
_NAME_THEIR_CULPRIT: Final = frozenset({"datasource-unhealthy"})
"""Those whose claim names the one component that explains them."""


def _failed(context: Context, check: Check, error: ProbeError) -> Finding:
    claim = context.claim(check.layer, check.subject, check.claim)
    asked = check.needs[0] if check.needs else check.subject
    claim = replace(claim, values={**claim.values, "component": asked, **error.values})
    if error.code == OUT_OF_TIME:
        return claim.warn(error.code, error.evidence, claim=check.claim, seconds=check.seconds)
    return claim.fail(error.code, error.evidence)
