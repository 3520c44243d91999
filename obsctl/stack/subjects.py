"""What is watched: every scrape job with its kind and the kind's settings filled in."""

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from obsctl.catalog.load import TARGET_KIND
from obsctl.catalog.model import Catalog, Kind, Setting
from obsctl.catalog.text import fill, names, number
from obsctl.project.findings import Findings
from obsctl.project.schema import Project
from obsctl.stack.expressions import LABEL_NAME, METRIC_NAME, escaped
from obsctl.stack.links import Links
from obsctl.stack.own import EXPORTED, OwnJob, own_jobs
from obsctl.stack.prometheus import PROBE_JOB, published_url

_NO_ADDRESS: Final = "HOST:PORT"
_RESERVED_LABELS: Final = frozenset({"le", "quantile", "job", "instance", "severity"})


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
            settings = _settings(kind, service.settings, ("services", name, "settings"), findings)
            address = service.address or next(iter(service.targets), _NO_ADDRESS)
            yield _Job(name, kind, settings, service.system or project.project, address)
    probe = [OwnJob(PROBE_JOB, "probe")] if project.probes else []
    for own in (*probe, *own_jobs(project)):
        kind = catalog.kinds[own.kind]
        address = _own_address(project, own.name)
        yield _Job(own.name, kind, dict(kind.settings), project.project, address, is_stack=True)


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


def _settings(
    kind: Kind, own: Mapping[str, Setting], path: tuple[str, ...], findings: Findings
) -> dict[str, Setting]:
    settings = dict(kind.settings)
    for key, value in own.items():
        if key not in settings:
            near = difflib.get_close_matches(key, settings, 1)
            known = ", ".join(f"`{name}`" for name in settings) or "none"
            hint = f"did you mean `{near[0]}`?" if near else f"settings of `{kind.name}`: {known}"
            findings.add(
                (*path, key), f"the kind `{kind.name}` has no setting `{key}`", hint, key=True
            )
        elif problem := setting_problem(key, value, kind.settings[key]):
            findings.add((*path, key), problem)
        else:
            settings[key] = value
    _check_examples(kind, settings, path, findings)
    return settings


def _check_examples(
    kind: Kind, settings: Mapping[str, Setting], path: tuple[str, ...], findings: Findings
) -> None:
    """Unit tests are made with the examples, so these must fit the patterns."""
    for key, (pattern, wanted) in kind.examples.items():
        example, expression = str(settings[key]), str(settings[pattern])
        if (re.fullmatch(expression, example) is not None) != wanted:
            verb = "must match" if wanted else "must not match"
            findings.add(
                (*path, pattern),
                f"the example `{key}`, `{example}`, {verb} `{pattern}`, `{expression}`",
                f"set `{key}` beside it: the alerts' unit tests are made with it",
            )


def setting_problem(key: str, value: Setting, default: Setting) -> str | None:
    """What is wrong with a setting's value, by its name and the type of its default."""
    if key.endswith("_buckets"):
        return _bounds_problem(key, value)
    if isinstance(default, bool) or isinstance(value, bool):
        same = isinstance(default, bool) and isinstance(value, bool)
        return None if same else f"`{key}` must be {_expected(default)}"
    if key.endswith("_sample_rate"):
        share = isinstance(value, int | float) and 0 <= value <= 1
        return None if share else f"`{key}` must be a number from 0 to 1"
    if isinstance(default, int | float):
        positive = isinstance(value, int | float) and value > 0
        return None if positive else f"`{key}` must be a number above 0"
    if not isinstance(value, str):
        return f"`{key}` must be {_expected(default)}"
    return _text_problem(key, value)


def _expected(default: Setting) -> str:
    return "`true` or `false`" if isinstance(default, bool) else "text"


def _text_problem(key: str, value: str) -> str | None:
    if key.endswith("_metric") and not METRIC_NAME.fullmatch(value):
        return f"`{value}` is no metric name"
    if key.endswith("_label"):
        if not LABEL_NAME.fullmatch(value) or value.startswith("__"):
            return f"`{value}` is no label name"
        if value in _RESERVED_LABELS:
            return f"the label `{value}` has a meaning of its own in Prometheus"
    if key.endswith("_pattern"):
        try:
            re.compile(value)
        except re.error as error:
            return f"`{value}` is no regular expression: {error}"
    return None


def _bounds_problem(key: str, value: Setting) -> str | None:
    if not isinstance(value, tuple) or not value:
        return f"`{key}` must be a list of bounds in seconds, such as `[0.1, 0.5, 1, 2, 5]`"
    numbers = [bound for bound in value if isinstance(bound, int | float) and bound > 0]
    if len(numbers) != len(value) or any(isinstance(bound, bool) for bound in value):
        return f"`{key}` must hold numbers above 0; the last bound, +Inf, is left out"
    if any(low >= high for low, high in pairwise(numbers)):
        return f"the bounds of `{key}` must ascend"
    return None
