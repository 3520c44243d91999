"""The parts of a stack on the way from what is watched to who is told, each with its findings."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from obsctl.conventions import PORTS
from obsctl.health.report import Finding, HealthReport, State, worst
from obsctl.stack.model import Stack

PROJECT: Final = "project"
_KEPT_IN: Final = ("prometheus", "elasticsearch", "bugsink")
_USED_BY: Final = ("alertmanager", "grafana", "kibana")
_SETUP: Final = "-setup"
# What a claim is about, where that is no part of its own.
_ELSEWHERE: Final = {"logs": "logstash", "alerts": "alertmanager"}


@dataclass(frozen=True, slots=True)
class Part:
    """One thing on the way; `note` says what it is where the name does not."""

    name: str
    note: str
    findings: tuple[Finding, ...]

    @property
    def state(self) -> State:
        """The worst of what was found; skip where nothing was looked at."""
        applying = [finding.state for finding in self.findings if finding.applies]
        return worst(applying) if applying else "skip"


@dataclass(frozen=True, slots=True)
class Column:
    """One step of the way, left to right."""

    title: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Topology:
    columns: tuple[Column, ...]
    rest: Part  # the files, the Engine, and whatever belongs to no part

    @property
    def parts(self) -> tuple[Part, ...]:
        return (*(part for column in self.columns for part in column.parts), self.rest)


def topology(stack: Stack, report: HealthReport) -> Topology:
    """Every part of the stack in its column; each finding is in exactly one of them."""
    columns = {title: dict(parts) for title, parts in _columns(stack)}
    known = {name for parts in columns.values() for name in parts}
    found: dict[str, list[Finding]] = {}
    for finding in report.findings:
        found.setdefault(_place(finding, known), []).append(finding)
    return Topology(
        tuple(
            Column(
                title, tuple(Part(n, note, tuple(found.get(n, ()))) for n, note in parts.items())
            )
            for title, parts in columns.items()
            if parts
        ),
        Part(PROJECT, "files, Docker Engine", tuple(found.get(PROJECT, ()))),
    )


def _place(finding: Finding, known: set[str]) -> str:
    name = finding.part or finding.subject
    name = _ELSEWHERE.get(name, name).removesuffix(_SETUP)
    return name if name in known else PROJECT


def _columns(stack: Stack) -> Iterator[tuple[str, Iterable[tuple[str, str]]]]:
    services = {service.name for service in stack.services if not service.one_shot}
    jobs = [job for job in stack.scrape_jobs if job.name not in services | PORTS.keys()]
    yield "Watched", ((job.name, _count(len(job.targets))) for job in jobs)
    collectors = services - {*_KEPT_IN, *_USED_BY}
    yield "Collected by", ((name, "") for name in sorted(collectors))
    yield "Kept in", ((name, "") for name in _KEPT_IN if name in services)
    yield "Used by", ((name, "") for name in _USED_BY if name in services)
    ways = {i.kind for receiver in stack.alerting.receivers for i in receiver.integrations}
    yield "Told to", ((way, _receivers(stack, way)) for way in sorted(ways))


def _count(targets: int) -> str:
    return "1 target" if targets == 1 else f"{targets} targets"


def _receivers(stack: Stack, way: str) -> str:
    names = (
        receiver.name
        for receiver in stack.alerting.receivers
        if any(integration.kind == way for integration in receiver.integrations)
    )
    return ", ".join(dict.fromkeys(names))
