"""Metrics that a service need not have: `check` does not miss what its set-up never exports."""

from collections.abc import Iterator, Mapping

from obsctl.catalog.model import Catalog
from obsctl.catalog.text import names
from obsctl.project.findings import Findings
from obsctl.project.schema import Project
from obsctl.stack.subjects import Subject, subjects


def optional_metrics(
    project: Project, catalog: Catalog, findings: Findings
) -> Mapping[str, Mapping[str, str]]:
    """Scrape job -> metric -> the set-ups that have it; jobs without any are left out."""
    optional = {s.service: dict(_of(s)) for s in subjects(project, catalog, findings)}
    return {service: metrics for service, metrics in optional.items() if metrics}


def _of(subject: Subject) -> Iterator[tuple[str, str]]:
    kind = subject.kind
    for template, when in kind.optional.items():
        used = names(template)
        if used & subject.absent:
            continue
        # Whoever names a metric in the project file says that it is there.
        if all(subject.settings[key] == kind.settings[key] for key in used):
            yield subject.fill(template), when
