"""Which metrics a project has, by its kinds and by its own word: a rule on any other is dead."""

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from obsctl.catalog.model import Catalog
from obsctl.project.schema import Project
from obsctl.stack.dashboard_check import declared
from obsctl.stack.expressions import selections
from obsctl.stack.subjects import Subject, targets_of

# What Prometheus itself adds, and what the client libraries of exporters export unasked.
_ALWAYS: Final = ("up", "ALERTS", "ALERTS_FOR_STATE")
_PREFIXES: Final = ("scrape_", "process_", "go_", "promhttp_", "python_")
_ANY: Final = "*"


@dataclass(frozen=True, slots=True)
class KnownMetrics:
    """Names of series that can be there, and beginnings of such names."""

    names: frozenset[str]
    prefixes: tuple[str, ...]

    def problems(self, expr: str) -> Iterator[tuple[str, str]]:
        """Message and hint for every metric that an expression, one that parses, cannot find."""
        for name in dict.fromkeys(name for name, _ in selections(expr)):
            if not name or name in self.names or name.startswith(self.prefixes):
                continue
            near = difflib.get_close_matches(name, self.names, 1, 0.8)
            listed = f"list `{name}` under `metrics` of the service that has it"
            yield (
                f"nothing in this project has the metric `{name}`",
                f"did you mean `{near[0]}`? else {listed}" if near else listed,
            )


def known_metrics(
    project: Project, watched: Iterable[Subject], catalog: Catalog, recorded: Iterable[str]
) -> KnownMetrics:
    """`recorded` are the names that the project's rules and obsctl's own record."""
    own = [name for service in project.services.values() for name in service.metrics]
    names = {*_ALWAYS, *recorded, *(name for name in own if not name.endswith(_ANY))}
    for job in watched:
        for subject in (job, targets_of(job, catalog)):
            metrics = subject.kind.metrics.items()
            names |= declared(
                {subject.fill(name): type_ for name, type_ in metrics if subject.uses(name)}
            )
    prefixes = tuple(name.removesuffix(_ANY) for name in own if name.endswith(_ANY))
    return KnownMetrics(frozenset(names), _PREFIXES + prefixes)
