"""The audit as text for people: what is unexplained in full, then each item with its counts."""

from collections.abc import Iterator
from textwrap import wrap
from typing import Final

from obsctl.health.audit.hardening import Item
from obsctl.health.audit.verdicts import Audit, Verdict
from obsctl.health.findings.report import Finding, HealthReport
from obsctl.health.telling.text import Style, failures

_TITLE: Final = "item"
_HEAD: Final = f"      {'CIS':<6}{_TITLE:<42}{'failed':>7}{'explained':>11}{'passed':>8}"
_INDENT: Final = " " * 12


def table(audit: Audit, style: Style) -> str:
    """Failures with cause and fix, the items worst first with the reasons below, the verdict."""
    items = _by_item(audit)
    told = [[verdict.finding for verdict in verdicts] for verdicts in items]
    lines = [
        line
        for findings in (*told, audit.others)
        for line in failures(HealthReport.of(findings), style)
    ]
    if items:
        lines += [_HEAD, *_rows(items, style), ""]
    return "\n".join([*lines, _verdict(audit)])


def _by_item(audit: Audit) -> list[list[Verdict]]:
    """What fails goes first, then what is explained; beyond that the items are by weight."""
    items: dict[str, list[Verdict]] = {}
    for verdict in audit.verdicts:
        items.setdefault(verdict.item.name, []).append(verdict)
    return sorted(items.values(), key=_rank)


def _rows(items: list[list[Verdict]], style: Style) -> Iterator[str]:
    for verdicts in items:
        yield _row(verdicts[0].item, verdicts)
        for verdict in verdicts:
            if verdict.reason or verdict.is_open or style.verbose:
                yield from _told(verdict.finding, style)


def _counts(verdicts: list[Verdict]) -> tuple[int, int, int]:
    failed = sum(verdict.finding.state == "fail" for verdict in verdicts)
    explained = sum(bool(verdict.reason) for verdict in verdicts)
    passed = sum(verdict.finding.state == "ok" for verdict in verdicts) - explained
    return failed, explained, passed


def _rank(verdicts: list[Verdict]) -> int:
    failed, explained, passed = _counts(verdicts)
    return next(rank for rank, count in enumerate((failed, explained, passed, 1)) if count)


def _row(item: Item, verdicts: list[Verdict]) -> str:
    failed, explained, passed = _counts(verdicts)
    mark = "FAIL" if failed else "ok" if explained or passed else "-"
    start = f"{mark:<4}  {item.cis:<6}{item.claim:<42}"
    if mark == "-":
        is_open = any(verdict.is_open for verdict in verdicts)
        return f"{start}  {'not judged' if is_open else 'not applicable here'}"
    return f"{start}{failed:>7}{explained:>11}{passed:>8}"


def _told(finding: Finding, style: Style) -> list[str]:
    text = f"{finding.subject}: {finding.evidence}".rstrip(": ")
    rest = f"{_INDENT}  "
    return wrap(text, style.width, initial_indent=_INDENT, subsequent_indent=rest)


def _verdict(audit: Audit) -> str:
    failed = sum(finding.state == "fail" for finding in audit.report.findings)
    items = len({verdict.item.name for verdict in audit.verdicts})
    containers = len({verdict.finding.subject for verdict in audit.verdicts})
    looked = f"{items} items on {containers} containers in {audit.seconds:.1f} s"
    left = f", {len(audit.not_judged)} not judged" if audit.not_judged else ""
    return f"{failed} unexplained, {len(audit.explained)} explained{left} ({looked})"
