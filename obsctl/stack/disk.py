"""Shares of the disk: what bounds each volume, and how much Prometheus may keep."""

from collections.abc import Mapping
from typing import Final

from obsctl.catalog.model import Catalog
from obsctl.project.findings import Findings
from obsctl.project.quantities import Size
from obsctl.project.schema import Project
from obsctl.stack.error_tracking import BUGSINK, error_tracking
from obsctl.stack.parts import helpers, parts
from obsctl.stack.shares import MIB, in_proportion, mib_text, shares_text

CONTAINER_LOGS: Final = "container logs"
_LOG_MIB: Final = 30  # json-file keeps three files of 10 MiB of each container
# Logstash bounds its own (queue, dead letters, a page that is being written, native libraries);
# the rest is what databases of settings and caches take by experience.
_VOLUMES_MIB: Final = {"alertmanager": 64, "grafana": 256, "logstash": 1408, "kibana": 128}
_BUGSINK_MIB: Final = 256
_EVENT_BYTES: Final = 64 * 2**10  # of an error with its stack and breadcrumbs
# Elasticsearch takes no more when 1 GiB of the disk is left; Prometheus has its log of writes.
_LEAST_MIB: Final = {"elasticsearch": 2048, "prometheus": 1024}
# Log lines are wordier than samples.
_WEIGHTS: Final = {"elasticsearch": 7, "prometheus": 3}
# It deletes whole blocks, and only after new ones are made: a fifth stays free for that.
_KEPT, _OF = 4, 5


def disk_shares(
    project: Project, catalog: Catalog, total: Size, findings: Findings
) -> Mapping[str, int]:
    """Bytes by part, whose sum is at most the budget; empty where they do not fit."""
    present = parts(project)
    fixed = _fixed(project, catalog)
    least = {name: mib for name, mib in _LEAST_MIB.items() if name in present and name not in fixed}
    room = (total.bytes - sum(fixed.values())) // MIB - sum(least.values())
    if room < 0:
        needed = fixed | {name: mib * MIB for name, mib in least.items()}
        message = f"{total} of disk cannot hold the stack's data; they take at least "
        findings.add(
            ("stack", "budget", "disk"),
            message + mib_text(sum(needed.values())),
            f"{shares_text(needed, present, CONTAINER_LOGS)}; `stack.without` leaves parts out",
        )
        return {}
    given = in_proportion(room, {name: _WEIGHTS[name] for name in least})
    return fixed | {name: (least[name] + given[name]) * MIB for name in least}


def retention_size(shares: Mapping[str, int]) -> Size:
    """What Prometheus may keep of its share."""
    return Size(f"{shares['prometheus'] * _KEPT // _OF // MIB}MiB")


def _fixed(project: Project, catalog: Catalog) -> dict[str, int]:
    """Bytes of all that does not grow with the budget."""
    present = parts(project)
    containers = len(present) + len(helpers(project, catalog))
    fixed = {name: mib * MIB for name, mib in _VOLUMES_MIB.items() if name in present}
    fixed[CONTAINER_LOGS] = containers * _LOG_MIB * MIB
    if tracking := error_tracking(project, catalog) if BUGSINK in present else None:
        events = tracking.events * len(tracking.projects)
        fixed[BUGSINK] = _BUGSINK_MIB * MIB + events * _EVENT_BYTES
    kept = project.stack.prometheus.retention_size
    if kept is not None:
        fixed["prometheus"] = -(-kept.bytes * _OF // _KEPT)
    return fixed
