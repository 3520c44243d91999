"""A page for each alert: what it means, what it does to users, where to look, what to do."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from obsctl.catalog.model import Alert, Runbook, Step
from obsctl.stack.alerts import Applied
from obsctl.stack.expressions import any_of
from obsctl.stack.model import Rule, RunbookPage
from obsctl.stack.subjects import Subject
from obsctl.stack.thresholds import all_text, text

# More services than this would bury the page under their names.
_NAMED_MAX: Final = 8
_ANY: Final = "SERVICE"
_FROM_MILD: Final = ("info", "warning", "critical", "none")


def runbook_pages(
    applied: Iterable[Applied], burns: Iterable[tuple[str, Subject, Runbook, tuple[Rule, ...]]]
) -> tuple[RunbookPage, ...]:
    """One page per alert name, with a section for each kind that has it."""
    by_name: dict[str, list[Applied]] = {}
    for each in applied:
        by_name.setdefault(each.alert.name, []).append(each)
    pages = [_page(name, uses) for name, uses in by_name.items()]
    slo: dict[str, list[tuple[Subject, Runbook, tuple[Rule, ...]]]] = {}
    for name, subject, runbook, rules in burns:
        slo.setdefault(name, []).append((subject, runbook, rules))
    pages += [_burn_page(name, uses) for name, uses in slo.items()]
    return tuple(sorted(pages, key=lambda page: page.alert))


def _page(name: str, uses: list[Applied]) -> RunbookPage:
    groups: dict[tuple[str, tuple[object, ...]], list[Applied]] = {}
    for use in uses:
        settings = tuple(sorted((k, str(v)) for k, v in use.subject.settings.items()))
        groups.setdefault((use.subject.kind.name, settings), []).append(use)
    sections = [_section(group, titled=len(groups) > 1) for group in groups.values()]
    rules = [rule for use in uses for rule in use.rules]
    return _finished(name, uses[0].alert.summary, rules, [use.subject for use in uses], sections)


def _finished(
    name: str, summary: str, rules: list[Rule], subjects: list[Subject], sections: list[str]
) -> RunbookPage:
    found = {rule.labels["severity"] for rule in rules}
    return RunbookPage(
        alert=name,
        title=f"{name}: {summary.rstrip('.')}",
        severities=tuple(severity for severity in _FROM_MILD[::-1] if severity in found),
        services=tuple(dict.fromkeys(subject.service for subject in subjects)),
        body="\n\n".join(sections) + "\n",
    )


def _section(group: list[Applied], *, titled: bool) -> str:
    alert = group[0].alert
    subjects = [use.subject for use in group]
    values = _values(subjects) | _threshold_values(alert)
    title = f"# {group[0].subject.kind.title} ({_listed(subjects)})\n\n" if titled else ""
    head = title + _conditions(alert, subjects)
    return head + _text(alert.runbook, subjects[0], values)


def _burn_page(name: str, uses: list[tuple[Subject, Runbook, tuple[Rule, ...]]]) -> RunbookPage:
    sections = []
    for subject, runbook, _ in uses:
        title = f"# `{subject.service}`\n\n" if len(uses) > 1 else ""
        sections.append(title + _text(runbook, subject, _values([subject])))
    rules = [rule for _, _, group in uses for rule in group]
    subjects = [subject for subject, _, _ in uses]
    return _finished(name, "The error budget burns too fast", rules, subjects, sections)


def _values(subjects: list[Subject]) -> dict[str, str]:
    if len(subjects) == 1:
        return {}
    names = [subject.service for subject in subjects]
    few = len(names) <= _NAMED_MAX
    selector = f'job=~"{any_of(names)}"' if few else f'job="{_ANY}"'
    systems = {subject.system for subject in subjects}
    return {
        "selector": selector,
        "job_selector": selector,
        "service": _ANY,
        "address": "HOST:PORT",
        "system": systems.pop() if len(systems) == 1 else "SYSTEM",
    }


def _threshold_values(alert: Alert) -> dict[str, str]:
    values = {"alert": alert.name, "thresholds": all_text(alert)}
    first = alert.tiers[0].threshold
    if first is not None:
        values["threshold_text"] = text(first, alert.unit)
    return values


def _listed(subjects: list[Subject]) -> str:
    if len(subjects) > _NAMED_MAX:
        return f"{len(subjects)} services"
    return ", ".join(f"`{subject.service}`" for subject in subjects)


def _conditions(alert: Alert, subjects: list[Subject]) -> str:
    lines = []
    for tier in alert.tiers:
        limit = "" if tier.threshold is None else f" {text(tier.threshold, alert.unit)}"
        side = "" if tier.threshold is None else (" below" if alert.below else " above")
        wait = f" for {tier.for_}" if tier.for_ else " at once"
        lines.append(f"- **{tier.severity}**:{side}{limit}{wait}")
    note = f"\n\n`{_ANY}` stands for the alert's label `service`." if len(subjects) > 1 else ""
    return f"Services: {_listed(subjects)}.{note}\n\n" + "\n".join(lines) + "\n\n"


def _text(runbook: Runbook, subject: Subject, values: Mapping[str, str]) -> str:
    fill = _filler(subject, values)
    steps = [step for step in runbook.diagnosis if subject.uses(step.query, step.command)]
    return "\n".join(
        [
            "## Meaning\n",
            fill(runbook.meaning),
            "\n## Impact\n",
            fill(runbook.impact),
            "\n## Diagnosis\n",
            *_steps(steps, subject, values),
            "\n## Mitigation\n",
            *(f"- {fill(line)}" for line in runbook.mitigation),
        ]
    )


def _steps(steps: list[Step], subject: Subject, values: Mapping[str, str]) -> Iterator[str]:
    for index, step in enumerate(steps, 1):
        fill = _filler(subject, values)
        yield f"{index}. {fill(step.text)}"
        for language, source in (("promql", step.query), ("sh", step.command)):
            if source:
                code = subject.fill(source, values).strip().replace("\n", "\n   ")
                yield f"\n   ```{language}\n   {code}\n   ```\n"


def _filler(subject: Subject, values: Mapping[str, str]) -> Callable[[str], str]:
    def fill(template: str) -> str:
        return re.sub(r"\s+", " ", subject.fill(template, values)).strip()

    return fill
