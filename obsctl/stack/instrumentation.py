"""The application's side: names, labels and buckets for generated code, from the catalogue."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from obsctl.catalog.model import Catalog, Scalar
from obsctl.project.findings import Findings
from obsctl.project.schema import Project
from obsctl.stack.model import AppMetric, Instrumentation
from obsctl.stack.subjects import Subject, subjects

_ANY: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what `bind` may say


class _Form(NamedTuple):
    """A metric of the application's own code, by the names of its settings."""

    setting: str
    type: str
    labels: tuple[str, ...]
    zeroes: tuple[str, ...] = ()


_SUFFIX: Final = {"histogram": "_duration", "counter": "_total", "gauge": ""}
_FORMS: Final = (
    _Form("db_query", "histogram", ("db_operation_label", "db_collection_label")),
    _Form("cache_requests", "counter", ("cache_result_label",), ("hit", "miss")),
    _Form("transactions", "counter", ("transaction_label",)),
    _Form("active_users", "gauge", ()),
    _Form("revenue", "counter", ("revenue_label",)),
)


def instrumentation(
    project: Project, catalog: Catalog, findings: Findings
) -> tuple[Instrumentation, ...]:
    """One for each service whose kind has code to generate, in the project file's order."""
    return tuple(
        Instrumentation(
            service=subject.service,
            templates=subject.kind.instrumentation,
            environment=subject.environment,
            settings=subject.settings,
            metrics=tuple(_metrics(subject)),
            logs=_log_address(project),
        )
        for subject in subjects(project, catalog, findings)
        if subject.kind.instrumentation and not subject.is_stack
    )


def _metrics(subject: Subject) -> Iterator[AppMetric]:
    settings = subject.settings
    for form in _FORMS:
        name = settings.get(f"{form.setting}_metric")
        if isinstance(name, str):
            labels = tuple(str(settings[label]) for label in form.labels)
            buckets = _buckets(subject, f"{form.setting}_buckets")
            variable = form.setting + _SUFFIX[form.type]
            yield AppMetric(variable, form.type, name, labels, buckets, form.zeroes)


def _buckets(subject: Subject, setting: str) -> tuple[Scalar, ...]:
    value = subject.settings.get(setting)
    return value if isinstance(value, tuple) else ()


def _log_address(project: Project) -> str:
    """Where an application on the Docker host reaches Logstash's input for JSON lines."""
    tcp = project.logs.inputs.tcp
    if tcp is None or "elk" in project.stack.without:
        return ""
    host = _ANY.get(project.stack.bind, project.stack.bind)
    return f"[{host}]:{tcp.port}" if ":" in host else f"{host}:{tcp.port}"
