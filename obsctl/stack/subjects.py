"""What is watched: every scrape job with its kind and the kind's settings filled in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from obsctl.catalog.files import PROBE_KIND, TARGET_KIND
from obsctl.catalog.model import Catalog, Kind, Setting
from obsctl.catalog.text import fill, names, number
from obsctl.project.findings import Findings
from obsctl.project.schema import Project
from obsctl.stack.expressions import escaped
from obsctl.stack.links import Links
from obsctl.stack.own import EXPORTED, OwnJob, own_jobs
from obsctl.stack.prometheus import PROBE_JOB, published_url
from obsctl.stack.settings import checked_settings

_NO_ADDRESS: Final = "HOST:PORT"


@dataclass(frozen=True, slots=True)
class Subject:
    """One scrape job. `values` fill placeholders; `absent` names the settings that are null."""

    service: str
    system: str
    environment: str
    kind: Kind
    settings: Mapping[str, Setting]
    values: Mapping[str, str] = field(repr=False)
    absent: frozenset[str]
    is_stack: bool = False

    def uses(self, *templates: str | None) -> bool:
        """False where one of the templates needs a setting that this service has not."""
        if not self.absent:
            return True
        return not any(template and names(template) & self.absent for template in templates)

    def fill(self, template: str, more: Mapping[str, str] | None = None) -> str:
        return fill(template, self.values, more or {})

    def bounds(self, setting: str) -> tuple[float, ...]:
        """The histogram bounds that a setting holds, in seconds, ascending."""
        value = self.settings.get(setting)
        return tuple(float(bound) for bound in value) if isinstance(value, tuple) else ()

    @property
    def labels(self) -> dict[str, str]:
        """The labels that every alert about it carries beside its severity."""
        return {
            "system": self.system,
            "service": self.service,
            "environment": self.environment,
        }


def subjects(project: Project, catalog: Catalog, findings: Findings) -> tuple[Subject, ...]:
    """All scrape jobs in the order of the project file, the stack's own last."""
    links = Links(project)
    return tuple(_subject(job, project, links) for job in _jobs(project, catalog, findings))


def targets_of(subject: Subject, catalog: Catalog) -> Subject:
    """The same job seen as a mere scrape target, for the alerts on `up`."""
    kind = catalog.kinds[TARGET_KIND]
    values = {key: subject.values[key] for key in _common_names() if key in subject.values}
    return Subject(
        subject.service,
        subject.system,
        subject.environment,
        kind,
        {},
        values,
        frozenset(),
        subject.is_stack,
    )


def _common_names() -> tuple[str, ...]:
    return ("selector", "job_selector", "service", "system", "address", "prometheus_url")


@dataclass(frozen=True, slots=True)
class _Job:
    service: str
    kind: Kind
    settings: dict[str, Setting]
    system: str
    address: str = _NO_ADDRESS
    is_stack: bool = False


def _jobs(project: Project, catalog: Catalog, findings: Findings) -> Iterator[_Job]:
    for name, service in project.services.items():
        if kind := catalog.kinds.get(service.kind):
            settings = checked_settings(
                kind, service.settings, ("services", name, "settings"), findings
            )
            address = service.address or next(iter(service.targets), _NO_ADDRESS)
            yield _Job(name, kind, settings, service.system or project.project, address)
    probe = [OwnJob(PROBE_JOB, PROBE_KIND)] if project.probes else []
    for own in (*probe, *own_jobs(project)):
        kind = catalog.kinds[own.kind]
        address = _own_address(project, own.name)
        settings = {**kind.settings, **own.settings}
        yield _Job(own.name, kind, settings, project.project, address, is_stack=True)


def _own_address(project: Project, name: str) -> str:
    """Where a person on the Docker host asks a part of the stack that an exporter watches."""
    if name not in EXPORTED:
        return _NO_ADDRESS
    port: int = getattr(project.stack, name).port
    return published_url(project, port).partition("://")[2]


def _subject(job: _Job, project: Project, links: Links) -> Subject:
    selector = f'job="{job.service}"'
    values = {
        "selector": selector,
        "job_selector": selector,
        "service": job.service,
        "system": job.system,
        "environment": project.environment,
        "address": job.address,
        "prometheus_url": links.prometheus,
    }
    resolved = _resolved(job.settings)
    values |= {key: text_of(key, value) for key, value in resolved.items() if value is not None}
    return Subject(
        service=job.service,
        system=job.system,
        environment=project.environment,
        kind=job.kind,
        settings=resolved,
        values=values,
        absent=frozenset(key for key, value in resolved.items() if value is None),
        is_stack=job.is_stack,
    )


def _resolved(settings: dict[str, Setting]) -> dict[str, Setting]:
    """Defaults may name another setting of the same kind, whatever the user made of that."""
    plain = {
        key: value
        for key, value in settings.items()
        if not (isinstance(value, str) and "[[ " in value)
    }
    texts = {key: str(value) for key, value in plain.items() if value is not None}
    return {
        key: value if key in plain else fill(str(value), texts) for key, value in settings.items()
    }


def text_of(key: str, value: Setting) -> str:
    """A setting as it stands in an expression; patterns and values go between quotes there."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return number(value)
    if isinstance(value, tuple):
        return ", ".join(text_of(key, item) for item in value)
    text = value or ""
    return text if key.endswith(("_metric", "_label")) else escaped(text)
