"""The Stack: what runs, what is scraped, what alerts, where it is shown; knows no Docker."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from obsctl.catalog.model import Scalar, Setting
from obsctl.errors import Problem
from obsctl.stack.alerting_model import Alerting as Alerting  # noqa: PLC0414 - part of this model
from obsctl.stack.error_model import ErrorTracking
from obsctl.stack.service_model import Access as Access  # noqa: PLC0414 - likewise
from obsctl.stack.service_model import Dependency as Dependency  # noqa: PLC0414 - likewise
from obsctl.stack.service_model import DirectoryMount as DirectoryMount  # noqa: PLC0414 - likewise
from obsctl.stack.service_model import Healthcheck as Healthcheck  # noqa: PLC0414 - likewise
from obsctl.stack.service_model import HostMount as HostMount  # noqa: PLC0414 - likewise
from obsctl.stack.service_model import Port as Port  # noqa: PLC0414 - likewise
from obsctl.stack.service_model import Service as Service  # noqa: PLC0414 - likewise
from obsctl.stack.service_model import VolumeMount as VolumeMount  # noqa: PLC0414 - likewise


@dataclass(frozen=True, slots=True)
class ScrapeJob:
    name: str
    targets: tuple[str, ...]  # as seen from inside the stack's network
    metrics_path: str = "/metrics"
    scheme: str = "http"
    labels: Mapping[str, str] = field(default_factory=dict)
    interval: str | None = None
    probe_module: str | None = None  # a blackbox probe: targets are URLs
    access: Access | None = None  # of the part of the stack that is scraped


@dataclass(frozen=True, slots=True)
class Rule:
    """An alerting (alert is set) or recording rule, ready for Prometheus."""

    expr: str
    alert: str | None = None
    record: str | None = None
    for_: str | None = None
    keep_firing_for: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RuleGroup:
    name: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Datasource:
    uid: str
    name: str
    type: str  # prometheus | alertmanager | elasticsearch
    url: str
    is_default: bool = False
    json_data: Mapping[str, object] = field(default_factory=dict)
    user: str | None = None
    secret: str | None = None  # name of the secret with the password
    tls: bool = False  # its certificate is the stack's own


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Classic Grafana JSON model as plain data, complete."""

    uid: str
    title: str
    model: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class LogInput:
    kind: str  # tcp | beats | gelf
    port: int


@dataclass(frozen=True, slots=True)
class Budget:
    """Bytes by part, of each amount that the project file names; empty where it names none."""

    memory: Mapping[str, int]
    disk: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Logging:
    inputs: tuple[LogInput, ...]
    retention: str  # Elasticsearch's spelling: one number and d, h, m, s or ms
    elasticsearch_url: str
    elasticsearch_tls: bool
    datasets: Mapping[str, str]  # service -> data stream dataset (no dash in it)
    namespace: str  # of the data streams: the environment, without dashes
    logstash_heap_mib: int
    kibana_heap_mib: int
    kibana_url: str | None  # None where Kibana is left out


@dataclass(frozen=True, slots=True)
class RunbookPage:
    """What stack/runbooks/<alert>.md says."""

    alert: str
    title: str
    severities: tuple[str, ...]
    services: tuple[str, ...]
    body: str


@dataclass(frozen=True, slots=True)
class RuleTest:
    """One promtool unit test; `slow` ones go to a file of their own."""

    name: str
    interval: str
    series: Mapping[str, str]  # notation of the values by series
    questions: Sequence[Mapping[str, object]]
    slow: bool = False

    @property
    def document(self) -> dict[str, object]:
        """As promtool reads it; made when it is written, for it is several times as large."""
        series = [{"series": name, "values": values} for name, values in self.series.items()]
        return {
            "name": self.name,
            "interval": self.interval,
            "input_series": series,
            "promql_expr_test": self.questions,
        }


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A page or API that a person opens: printed at the end of `up`."""

    component: str
    url: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class AppMetric:
    """A metric beside those of requests that the application's own code sets."""

    variable: str  # in the code, as Python spells it: db_query_duration, active_users, ...
    type: str  # counter | gauge | histogram
    name: str
    labels: tuple[str, ...]
    buckets: tuple[Scalar, ...] = ()  # seconds, of a histogram
    zeroes: tuple[str, ...] = ()  # values of its one label that exist from the start


@dataclass(frozen=True, slots=True)
class Instrumentation:
    """What the application's side of a service is generated from."""

    service: str
    templates: str  # folder under templates/instrumentation
    environment: str
    settings: Mapping[str, Setting]  # of its kind, as the rules and dashboards use them
    metrics: tuple[AppMetric, ...]
    logs: str  # host:port that takes JSON lines, as seen from the Docker host; or nothing


@dataclass(frozen=True, slots=True)
class Patch:
    """An RFC 7386 merge patch on a rendered file; `problem` is for a file that is not there."""

    path: str
    content: object
    problem: Problem


@dataclass(frozen=True, slots=True)
class Stack:
    project: str
    environment: str
    services: tuple[Service, ...]
    volumes: tuple[str, ...]
    secrets: tuple[str, ...]
    scrape_interval: str
    evaluation_interval: str
    scrape_jobs: tuple[ScrapeJob, ...]
    rule_groups: tuple[RuleGroup, ...]
    rule_tests: tuple[RuleTest, ...]
    alerting: Alerting
    datasources: tuple[Datasource, ...]
    dashboards: tuple[Dashboard, ...]
    runbooks: tuple[RunbookPage, ...]
    logging: Logging | None
    endpoints: tuple[Endpoint, ...]
    patches: tuple[Patch, ...]
    web: Access | None = None  # of Prometheus, Alertmanager and the exporters that can
    # Scrape job -> metrics that it need not have -> the set-ups that have them ("on replicas").
    optional_metrics: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    instrumentation: tuple[Instrumentation, ...] = ()
    errors: ErrorTracking | None = None
    secret_files: tuple[str, ...] = ()  # that secrets come from, as the project file names them
    budget: Budget | None = None  # None: each part has the limit of its own setting
