"""The report as text for people: failures in full, remarks and layers in a line each; pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from textwrap import wrap
from typing import Final

from obsctl.errors import Problem, UsageError
from obsctl.health.findings.causes import load_causes
from obsctl.health.findings.report import Finding, HealthReport, State

_EVIDENCE_LINES: Final = 12
_WIDTH: Final = 240
"""Of a line where there is no terminal."""
_NARROW: Final = 40
MARKS: Final[dict[State, str]] = {"fail": "FAIL", "warn": "warn", "skip": "skip", "ok": "ok"}
_INDENT: Final = " " * 6
_EARLY: Final = "too early to tell"


@dataclass(frozen=True, slots=True)
class Style:
    """How it is laid out: columns and rows of the terminal (0 for none), and whether all is shown.

    `short` tells of each failure what it is, the first line of its evidence, and its fix; of one
    cause as many are told as `alike` says, and the rest is counted. The verdict stands at the end,
    where a shell's prompt follows, or on top, where the end may be cut.
    """

    columns: int = 0
    rows: int = 0
    verbose: bool = False
    short: bool = False
    alike: int = 3
    verdict_on_top: bool = False

    @property
    def width(self) -> int:
        return max(self.columns, _NARROW) if self.columns else _WIDTH

    def fits(self, line: str) -> bool:
        return not self.columns or len(line) <= self.width


def told(report: HealthReport, style: Style | None = None) -> str:
    """What is wrong with cause, evidence and fix; a line per kind of remark; layers; verdict.

    In short where the terminal has too few rows for it: what is worst would have left its top.
    """
    style = style or Style()
    styles = [style]
    if style.rows and not (style.verbose or report.healthy):
        styles += [replace(style, short=True), replace(style, short=True, alike=1)]
    forms = [list(_lines(report, one)) for one in styles]
    fitting = (lines for lines in forms if len(lines) < style.rows)
    return "\n".join(next(fitting, forms[-1]))


def _lines(report: HealthReport, style: Style) -> Iterator[str]:
    remarks = [finding for finding in report.findings if finding.state == "warn"]
    if style.verdict_on_top:
        yield from [*_wrapped("", verdict(report), style), ""]
    yield from failures(report, style)
    if style.short:
        yield ""
    if style.verbose:
        for finding in remarks:
            yield from _told(finding, style)
    elif remarks or report.early:
        yield from _remarks(remarks, style)
        yield from _early(report, style)
        yield ""
    yield from _layers(report, style)
    yield ""
    for line in _verdict(report, style):
        yield from _wrapped("", line, style)


def failures(report: HealthReport, style: Style) -> Iterator[str]:
    """What failed, with cause, evidence and fix; alike ones beyond the third are counted."""
    return _failures([one for one in report.findings if one.state == "fail"], style)


def progress(report: HealthReport) -> str:
    """One line while waiting: how many fail, and the first of them."""
    if report.healthy:
        return _listed(f"waiting: {_EARLY}: ", _names(report.early), _WIDTH)
    first = report.findings[0]
    count = sum(1 for finding in report.findings if finding.state == "fail")
    more = f" (and {count - 1} more)" if count > 1 else ""
    return f"waiting: {first.headline}{more}"


def verdict(report: HealthReport) -> str:
    """One line: whether it is healthy, and what the checks took."""
    counts = report.counts
    took = f"{len(report.findings)} checks in {report.seconds:.1f} s"
    look = f", {counts['warn']} to look at" if counts["warn"] else ""
    look += f", {len(report.early)} {_EARLY}" if report.early else ""
    if report.healthy:
        return f"healthy{' so far' if report.early else ''}{look} ({took})"
    return f"unhealthy: {counts['fail']} failed{look} ({took})"


def summary(report: HealthReport) -> str:
    """One line: the verdict, and what is wrong by name."""
    failed = [f.headline for f in report.findings if f.state == "fail"]
    more = f"; and {len(failed) - 1} more" if len(failed) > 1 else ""
    return verdict(report) + (f": {failed[0]}{more}" if failed else "")


def _verdict(report: HealthReport, style: Style) -> Iterator[str]:
    if not style.verdict_on_top:
        yield verdict(report)
    if style.short:
        yield "all evidence: obsctl check --verbose; more on a cause: obsctl explain CODE"
    elif report.counts["warn"] and not style.verbose:
        yield "obsctl check --verbose tells all there is to look at"


def _alike(findings: Iterable[Finding]) -> Iterator[list[Finding]]:
    """Groups of the same cause, in the order of the layers."""
    ordered = sorted(findings, key=lambda finding: (finding.rank[:2], finding.code))
    for _, group in groupby(ordered, key=lambda finding: (finding.rank[:2], finding.code)):
        yield list(group)


def _failures(findings: Iterable[Finding], style: Style) -> Iterator[str]:
    for alike in _alike(findings):
        shown = alike if style.verbose else alike[: style.alike]
        for finding in shown:
            yield from (_told_in_short if style.short else _told)(finding, style)
        if len(alike) > len(shown):
            others = _names(alike[len(shown) :])
            start = f"{_INDENT}and {len(alike) - len(shown)} more of `{alike[0].code}`: "
            yield _listed(start, others, style.width)
            if not style.short:
                yield ""


def _remarks(findings: Iterable[Finding], style: Style) -> Iterator[str]:
    for alike in _alike(findings):
        mark = f"{MARKS['warn']}  "
        title = load_causes()[alike[0].code].many or alike[0].cause
        names = _names(alike)
        if len(alike) == 1:
            evidence = alike[0].evidence.partition("\n")[0]
            yield _cut(f"{mark}{alike[0].headline}: {evidence}".rstrip(": "), style.width)
        else:
            yield _listed(f"{mark}{title}: ", names, style.width)


def _early(report: HealthReport, style: Style) -> Iterator[str]:
    if report.early:
        yield _listed(f"{MARKS['skip']}  {_EARLY}: ", _names(report.early), style.width)


def _names(findings: Iterable[Finding]) -> list[str]:
    return list(dict.fromkeys(finding.subject for finding in findings))


def _listed(start: str, names: Sequence[str], width: int) -> str:
    """As many names as one line holds, and how many more there are; else their number."""
    lines = [start + _few(names, count) for count in range(len(names), 0, -1)]
    number = _cut(f"{start}{len(names)} in all", width)
    return next((line for line in lines if len(line) <= width), number)


def _few(names: Sequence[str], count: int) -> str:
    left = len(names) - count
    return ", ".join(names[:count]) + (f" and {left} more" if left else "")


def _cut(line: str, width: int) -> str:
    return line if len(line) <= width else f"{line[: width - 4]} ..."


def _told_in_short(finding: Finding, style: Style) -> Iterator[str]:
    start = f"{MARKS[finding.state]:<4}  "
    with_code = f"{finding.headline} [{finding.code}]"
    yield from _wrapped(start, with_code, style)
    evidence = finding.evidence.partition("\n")[0]
    if evidence and evidence not in finding.headline:
        yield _cut(_INDENT + evidence, style.width)
    yield from _wrapped(f"{_INDENT}fix: ", finding.fix, style)


def _told(finding: Finding, style: Style) -> Iterator[str]:
    start = f"{MARKS[finding.state]:<4}  "
    yield from _wrapped(start, finding.headline, style)
    lines = finding.evidence.splitlines()
    # To say that one line more is left out would take as much room as the line.
    all_ = style.verbose or len(lines) == _EVIDENCE_LINES + 1
    shown = lines if all_ else lines[:_EVIDENCE_LINES]
    if len(lines) > len(shown):
        shown.append(f"... {len(lines) - len(shown)} more lines")
    label = f"{_INDENT}evidence  "
    for line in shown:
        cut = line if len(line) <= _WIDTH else f"{line[:_WIDTH]} ..."
        # Evidence is quoted: its own spaces stay, and only what is too long is broken.
        yield from [label + cut] if style.fits(label + cut) else _wrapped(label, cut, style)
        label = " " * len(label)
    yield from _wrapped(f"{_INDENT}fix       ", finding.fix, style)
    yield f"{_INDENT}more      obsctl explain {finding.code}"
    yield ""


def _wrapped(start: str, text: str, style: Style) -> list[str]:
    """The text after `start`; further lines stand below its beginning."""
    if style.fits(start + text):
        return [start + text]
    rest = " " * len(start)
    return wrap(
        text, style.width, initial_indent=start, subsequent_indent=rest, break_on_hyphens=False
    )


def _layers(report: HealthReport, style: Style) -> Iterator[str]:
    for summary in report.layers:
        start = f"{MARKS[summary.state]:<4}  {summary.layer:<13}  "
        if style.short:
            yield _cut(start + summary.line, style.width)
        else:
            yield from _wrapped(start, summary.line, style)
        if style.verbose:
            for finding in report.findings:
                if finding.layer == summary.layer and finding.state in ("skip", "ok"):
                    told = f"{finding.subject}: {finding.claim}: {finding.evidence}".rstrip(": ")
                    mark = MARKS[finding.state] if finding.applies else "-"
                    yield from _wrapped(f"{_INDENT}{mark:<4}  ", told, style)


def write(path: Path, text: str) -> None:
    """Write a report file; UsageError when it cannot be."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(Problem(f"cannot write `{path}`: {error.strerror}")) from None
