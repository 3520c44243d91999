"""The stack watches itself: which of its parts are scraped, and as which kind."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from obsctl.catalog.files import TARGET_KIND
from obsctl.catalog.model import Catalog, Setting
from obsctl.conventions import PORTS
from obsctl.project.schema import Project

# Parts that speak no Prometheus: an exporter of the stack's own asks them.
EXPORTED = ("elasticsearch", "logstash")
# Parts without any metrics: the blackbox exporter asks whether they serve, at this path.
_PROBED: Final[Mapping[str, str]] = {"bugsink": "/health/ready"}
_SETTINGS: Final[Mapping[str, Mapping[str, Setting]]] = {
    "elasticsearch": {
        "counted_disk_bytes": 20 * 2**30,
        "watermarks": "This one is set up to stop later than by default, on any disk: when 1 GiB "
        "is left it takes no new shards and makes its indices read-only.",
    }
}


@dataclass(frozen=True, slots=True)
class OwnJob:
    """A part of the stack that is scraped under its own name."""

    name: str
    kind: str

    @property
    def settings(self) -> Mapping[str, Setting]:
        """Where obsctl sets the part up unlike its makers do."""
        return _SETTINGS.get(self.name, {})

    @property
    def probed_url(self) -> str | None:
        """What the blackbox exporter asks; None for a part that tells metrics."""
        path = _PROBED.get(self.name)
        return path and f"http://{self.name}:{PORTS[self.name]}{path}"

    def target(self, catalog: Catalog) -> str:
        """host:port of its metrics inside the stack's network."""
        exporter = catalog.kinds[self.kind].exporter
        if exporter is not None:
            return f"{self.name}-exporter:{exporter.port}"
        return f"{self.name}:{PORTS[self.name]}"


def has_probes(project: Project) -> bool:
    """Whether there is something for the blackbox exporter to ask."""
    return bool(project.probes) or _has_bugsink(project)


def _has_bugsink(project: Project) -> bool:
    return bool(project.errors and project.errors.bugsink)


def own_jobs(project: Project) -> Iterator[OwnJob]:
    """In the order of their rows on the stack's dashboard."""
    without = project.stack.without
    yield OwnJob("prometheus", "prometheus")
    yield OwnJob("alertmanager", "alertmanager")
    if "grafana" not in without:
        yield OwnJob("grafana", "grafana")
    if "elk" not in without:
        yield from (OwnJob(name, name) for name in EXPORTED)
    if _has_bugsink(project):
        yield OwnJob("bugsink", "bugsink")
    if has_probes(project):
        yield OwnJob("blackbox-exporter", TARGET_KIND)
