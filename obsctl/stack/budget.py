"""The budget: what each part of the stack gets of one amount of memory, and one of disk."""

from collections.abc import Iterator, Mapping

from obsctl.catalog.model import Catalog
from obsctl.project.findings import Findings
from obsctl.project.quantities import Size
from obsctl.project.schema import Project
from obsctl.stack.disk import CONTAINER_LOGS, disk_shares, retention_size
from obsctl.stack.error_tracking import BUGSINK
from obsctl.stack.model import Budget, Stack
from obsctl.stack.parts import LEAST_MIB, Settings, helpers, parts, with_memory, with_retention_size
from obsctl.stack.shares import MIB, in_proportion, mib_text, shares_text

HELPERS = "exporters and one-shots"
# Of what is left once all have their usual limit: what keeps data serves more with more.
_GROWTH = {"elasticsearch": 4, "prometheus": 4, "logstash": 2, "grafana": 1, "kibana": 1}
_GROWTH |= {BUGSINK: 1}


def apply_budget(
    project: Project, catalog: Catalog, findings: Findings
) -> tuple[Project, Budget | None]:
    """The project with every limit that follows from its budget, and the budget's shares.

    Limits that the project file names stay, and are counted. What cannot fit is a finding.
    """
    budget = project.stack.budget
    if budget is None:
        return project, None
    memory: Mapping[str, int] = {}
    disk: Mapping[str, int] = {}
    if budget.memory:
        memory = _memory_shares(project, catalog, budget.memory, findings)
    if budget.disk:
        disk = disk_shares(project, catalog, budget.disk, findings)
    limits = {
        name: Size(mib_text(memory[name]))
        for name, part in parts(project).items()
        if name in memory and not _is_set(part)
    }
    if disk and project.stack.prometheus.retention_size is None:
        project = with_retention_size(project, retention_size(disk))
    return with_memory(project, limits), Budget(memory, disk)


def _is_set(part: Settings) -> bool:
    return "memory" in part.model_fields_set


def _memory_shares(
    project: Project, catalog: Catalog, total: Size, findings: Findings
) -> Mapping[str, int]:
    """Bytes by container, whose sum is at most the budget; empty where they do not fit."""
    present = parts(project)
    fixed = helpers(project, catalog)
    fixed |= {name: part.memory.bytes for name, part in present.items() if _is_set(part)}
    least = {name: LEAST_MIB[name] for name in present if name not in fixed}
    room = (total.bytes - sum(fixed.values())) // MIB - sum(least.values())
    if room < 0:
        needed = fixed | {name: mib * MIB for name, mib in least.items()}
        message = f"{total} of memory cannot hold the stack; it takes at least "
        hint = shares_text(needed, present, HELPERS)
        findings.add(
            ("stack", "budget", "memory"),
            message + mib_text(sum(needed.values())),
            f"{hint}; `stack.without` leaves parts out",
        )
        return {}
    usual = {name: present[name].memory.bytes // MIB for name in least}
    given = split(room, {name: usual[name] - least[name] for name in least})
    return fixed | {name: (least[name] + given[name]) * MIB for name in least}


def split(room: int, wanted: Mapping[str, int]) -> dict[str, int]:
    """Whole units by name: all in step up to what each wants, the rest to those that grow.

    The sum is `room`, or less where none that grows is among them.
    """
    towards = min(room, sum(wanted.values()))
    shares = in_proportion(towards, wanted)
    more = in_proportion(room - towards, {name: _GROWTH.get(name, 0) for name in wanted})
    return {name: shares[name] + more[name] for name in wanted}


def told_budget(stack: Stack) -> Iterator[tuple[str, str]]:
    """`memory` and `disk`, where the project file names them, with what each part gets."""
    for amount, shares, others in (
        ("memory", stack.budget.memory if stack.budget else {}, HELPERS),
        ("disk", stack.budget.disk if stack.budget else {}, CONTAINER_LOGS),
    ):
        if shares:
            yield amount, shares_text(shares, LEAST_MIB, others)
