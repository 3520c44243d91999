"""The report as text for people: what is wrong first, green in one line per layer; pure."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from obsctl.errors import Problem, UsageError
from obsctl.health.report import Finding, HealthReport

_ALIKE: Final = 3
"""Findings of one cause that are shown in full; the rest is counted."""
_EVIDENCE_LINES: Final = 12
_LINE_CHARACTERS: Final = 240
_MARKS: Final = {"fail": "FAIL", "warn": "warn", "skip": "skip", "ok": "ok"}
_INDENT: Final = "      "


def told(report: HealthReport) -> str:
    """Failures and warnings with cause, evidence and fix; then a line per layer; the verdict."""
    return "\n".join([*_problems(report.problems), *_layers(report), "", _verdict(report)])


def progress(report: HealthReport) -> str:
    """One line while waiting: how many fail, and the first of them."""
    first = report.findings[0]
    count = sum(1 for finding in report.findings if finding.state == "fail")
    more = f" (and {count - 1} more)" if count > 1 else ""
    return f"waiting: {first.subject}: {first.cause}{more}"


def _problems(problems: Sequence[Finding]) -> Iterator[str]:
    # Sorted by state and layer already; alike means the same cause at the same severity.
    ordered = sorted(problems, key=lambda finding: (finding.rank[:2], finding.code))
    for _, group in groupby(ordered, key=lambda finding: (finding.rank[:2], finding.code)):
        alike = list(group)
        for finding in alike[:_ALIKE]:
            yield from _told(finding)
        if len(alike) > _ALIKE:
            others = ", ".join(dict.fromkeys(f.subject for f in alike[_ALIKE:]))
            yield f"{_INDENT}and {len(alike) - _ALIKE} more of `{alike[0].code}`: {others}"
            yield ""


def _told(finding: Finding) -> Iterator[str]:
    yield f"{_MARKS[finding.state]}  {finding.subject}: {finding.cause}"
    lines = finding.evidence.splitlines()
    shown = lines[:_EVIDENCE_LINES]
    if len(lines) > _EVIDENCE_LINES:
        shown.append(f"... {len(lines) - _EVIDENCE_LINES} more lines")
    label = "evidence  "
    for line in shown:
        cut = line if len(line) <= _LINE_CHARACTERS else f"{line[:_LINE_CHARACTERS]} ..."
        yield f"{_INDENT}{label}{cut}"
        label = " " * len(label)
    yield f"{_INDENT}fix       {finding.fix}"
    yield f"{_INDENT}more      obsctl explain {finding.code}"
    yield ""


def _layers(report: HealthReport) -> Iterator[str]:
    for summary in report.layers:
        yield f"{_MARKS[summary.state]:<4}  {summary.layer:<13}  {summary.line}"


def _verdict(report: HealthReport) -> str:
    counts = dict.fromkeys(_MARKS, 0)
    for finding in report.findings:
        counts[finding.state] += 1
    took = f"{len(report.findings)} checks in {report.seconds:.1f} s"
    look = f", {counts['warn']} to look at" if counts["warn"] else ""
    if report.healthy:
        return f"healthy{look} ({took})"
    return f"unhealthy: {counts['fail']} failed{look} ({took})"


def write(path: Path, text: str) -> None:
    """Write a report file; UsageError when it cannot be."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(Problem(f"cannot write `{path}`: {error.strerror}")) from None
