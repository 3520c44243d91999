"""The parts of a stack on the way from what is watched to who is told, each with its findings."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from obsctl.conventions import PORTS
from obsctl.health.findings.report import Finding, HealthReport, State, worst
from obsctl.stack.model import ScrapeJob, Stack

PROJECT: Final = "project"
_STORES: Final = ("prometheus", "elasticsearch", "bugsink")
_USERS: Final = ("alertmanager", "grafana", "kibana")
_SEVERITY: Final = re.compile(r'severity *=~? *"([^"]*)"')
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
    """One step of a way; `sources` is what it begins with, where that is not checked itself."""

    title: str
    parts: tuple[Part, ...] = ()
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lane:
    """One way through the stack, of metrics, logs or errors; its columns from left to right."""

    title: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Topology:
    lanes: tuple[Lane, ...]
    rest: Part  # the files, the Engine, and whatever belongs to no part

    @property
    def parts(self) -> tuple[Part, ...]:
        columns = (column for lane in self.lanes for column in lane.columns)
        return (*(part for column in columns for part in column.parts), self.rest)


@dataclass(frozen=True, slots=True)
class _Step:
    """A column before its findings are known: name -> note of each part."""

    title: str
    parts: Mapping[str, str]
    sources: tuple[str, ...] = ()


def topology(stack: Stack, report: HealthReport) -> Topology:
    """Every part of the stack on its way; each finding is in exactly one of them."""
    lanes = {title: [step for step in steps if step.parts or step.sources]
             for title, steps in _lanes(stack)}  # fmt: skip
    known = {name for steps in lanes.values() for step in steps for name in step.parts}
    found: dict[str, list[Finding]] = {}
    for finding in report.findings:
        found.setdefault(_place(finding, known), []).append(finding)

    def column(step: _Step) -> Column:
        parts = step.parts.items()
        return Column(
            step.title,
            tuple(Part(name, note, tuple(found.get(name, ()))) for name, note in parts),
            step.sources,
        )

    rest = Part(PROJECT, "files, Docker Engine", tuple(found.get(PROJECT, ())))
    return Topology(
        tuple(Lane(title, tuple(map(column, steps))) for title, steps in lanes.items()), rest
    )


def _place(finding: Finding, known: set[str]) -> str:
    name = finding.part or finding.subject
    name = _ELSEWHERE.get(name, name).removesuffix(_SETUP)
    return name if name in known else PROJECT


def _lanes(stack: Stack) -> Iterator[tuple[str, tuple[_Step, ...]]]:
    names = {service.name for service in stack.services if not service.one_shot}
    collectors = sorted(names - {*_STORES, *_USERS, "logstash"})
    jobs = [job for job in stack.scrape_jobs if job.name not in names | PORTS.keys()]
    ways = {i.kind for receiver in stack.alerting.receivers for i in receiver.integrations}
    yield (
        "Metrics and alerts",
        (
            _Step("Watched", {job.name: _targets(job, names) for job in jobs}),
            _Step("Collected by", dict.fromkeys(collectors, "")),
            _Step("Kept in", _those(names, "prometheus")),
            _Step("Used by", _those(names, "alertmanager", "grafana")),
            _Step("Told to", {way: _receivers(stack, way) for way in sorted(ways)}),
        ),
    )
    if stack.logging:
        ports = tuple(f"{entry.kind}, port {entry.port}" for entry in stack.logging.inputs)
        yield (
            "Logs",
            (
                _Step("Sent to", {}, ports),
                _Step("Collected by", _those(names, "logstash")),
                _Step("Kept in", _those(names, "elasticsearch")),
                _Step("Read in", _those(names, "kibana")),
            ),
        )
    if stack.errors:
        senders = dict.fromkeys(project.service for project in stack.errors.projects)
        yield (
            "Errors",
            (
                _Step("Reported by", {}, tuple(senders)),
                _Step("Kept in", {stack.errors.tracker: ""}),
            ),
        )


def _those(names: Collection[str], *wanted: str) -> dict[str, str]:
    return {name: "" for name in wanted if name in names}


def _targets(job: ScrapeJob, services: Collection[str]) -> str:
    """How many it has, and which exporter asks them for Prometheus."""
    count = "1 target" if len(job.targets) == 1 else f"{len(job.targets)} targets"
    way = "blackbox-exporter" if job.probe_module else f"{job.name}-exporter"
    return f"{count}, by {way}" if way in services else count


def _receivers(stack: Stack, way: str) -> str:
    """The receivers that go this way, each with the severities that it is told of."""
    names = dict.fromkeys(
        receiver.name
        for receiver in stack.alerting.receivers
        if any(integration.kind == way for integration in receiver.integrations)
    )
    return "; ".join(f"{name}{_told_of(stack, name)}" for name in names)


def _told_of(stack: Stack, receiver: str) -> str:
    found = (
        match[1]
        for route in stack.alerting.routes
        if receiver in route.receivers
        for matcher in route.matchers
        if (match := _SEVERITY.fullmatch(matcher))
    )
    severities = ", ".join(dict.fromkeys(found))
    return f": {severities}" if severities else ""
