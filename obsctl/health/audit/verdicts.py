"""`check --security`: each item of the benchmark on each container, as they run."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from obsctl.conventions import LABEL_EXCEPTION
from obsctl.errors import EngineError
from obsctl.health.asking.container_state import ContainerState
from obsctl.health.asking.context import Context
from obsctl.health.audit.hardening import (
    ITEMS,
    NOT_HERE,
    Item,
    applies,
    not_told,
    secrets_in_words,
)
from obsctl.health.checks.containers import nothing_is_up
from obsctl.health.findings.report import NOT_APPLICABLE, Finding, HealthReport

_SHORTEST_SECRET: Final = 8
"""Characters of a value that is looked for; a shorter one is a word by chance."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One item on one container; `reason` explains why it does not hold, where it may not."""

    item: Item
    finding: Finding
    reason: str = ""

    @property
    def is_open(self) -> bool:
        """Whether nobody could tell, where the item would apply."""
        return self.finding.state == "skip" and self.finding.code != NOT_APPLICABLE


@dataclass(frozen=True, slots=True)
class Audit:
    """Every verdict, and what kept from looking."""

    verdicts: tuple[Verdict, ...]
    others: tuple[Finding, ...]
    seconds: float = 0.0

    @property
    def report(self) -> HealthReport:
        """The same form as any other check's."""
        found = (*(verdict.finding for verdict in self.verdicts), *self.others)
        return HealthReport.of(found, self.seconds)

    @property
    def explained(self) -> tuple[Verdict, ...]:
        return tuple(verdict for verdict in self.verdicts if verdict.reason)

    @property
    def not_judged(self) -> tuple[Verdict, ...]:
        return tuple(verdict for verdict in self.verdicts if verdict.is_open)


def audit(context: Context) -> Audit:
    """Look at all containers of the project, once."""
    started = time.monotonic()
    try:
        states = context.container_states()
    except EngineError as error:
        claim = context.claim("security", "Docker Engine", "can be asked")
        problem = error.problems[0]
        hint = problem.hint or "start it"
        return Audit((), (claim.fail("engine-unreachable", problem.message, hint=hint),))
    values = _secret_values(context)
    verdicts = tuple(one for state in states for one in _verdicts(context, state, values))
    missing = tuple(_missing(context, {state.service for state in states}))
    if not states:
        missing = (nothing_is_up(context, "security"),)
    return Audit(verdicts, missing, time.monotonic() - started)


def _missing(context: Context, present: set[str]) -> Iterator[Finding]:
    for name in context.services:
        if name not in present:
            claim = context.claim("security", name, "has a container to look at")
            yield claim.fail("container-missing", f"no container of service `{name}`")


def _secret_values(context: Context) -> dict[str, str]:
    """What no inspection may show; a file that is not there or no text has no value to look for."""
    found = {}
    for name in context.stack.secrets:
        try:
            value = (context.secrets_directory / name).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            continue
        if len(value) >= _SHORTEST_SECRET:
            found[name] = value
    return found


def _verdicts(
    context: Context, state: ContainerState, values: Mapping[str, str]
) -> Iterator[Verdict]:
    # What is given away already weighs most.
    leaks = Item("own", "secret-shown", "secret-shown", "shows no value of secrets/", lambda _: "")
    claim = context.claim("security", state.service or state.name, f"{leaks.cis} {leaks.claim}")
    seen = ", ".join(secrets_in_words(state.inspected, values))
    yield Verdict(leaks, claim.fail(leaks.code, seen, item=leaks.name) if seen else claim.ok())
    for item in ITEMS:
        yield _verdict(context, item, state)


def _verdict(context: Context, item: Item, state: ContainerState) -> Verdict:
    found = state.inspected
    claim = context.claim("security", state.service or state.name, f"{item.cis} {item.claim}")
    if not applies(item, found):
        return Verdict(item, claim.not_applicable(NOT_HERE))
    seen = item.breach(found)
    if seen and (why := not_told(item, found)):
        return Verdict(item, claim.skip(f"not judged: {why}"))
    reason = state.labels.get(f"{LABEL_EXCEPTION}{item.name}", "").strip() if seen else ""
    if reason:
        return Verdict(item, claim.ok(f"{seen}; explained: {reason}"), reason)
    return Verdict(item, claim.fail(item.code, seen, item=item.name) if seen else claim.ok())
