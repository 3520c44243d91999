"""The sections of obsctl.yaml: frozen, strict, and every unknown key is an error."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from obsctl.project.error_tracking import Bugsink, Errors, Sentry
from obsctl.project.fields import (
    Address,
    AlertName,
    LabelName,
    MetricNames,
    Name,
    Port,
    RecordName,
    Scalar,
    Setting,
    Severity,
    Text,
    Threshold,
    Url,
    UrlPath,
    refused,
)
from obsctl.project.notifications import (
    Discord,
    Email,
    Grouping,
    Msteams,
    Notifications,
    Opsgenie,
    Pagerduty,
    Receiver,
    Routes,
    Slack,
    Telegram,
    Webhook,
)
from obsctl.project.quantities import Duration, Share
from obsctl.project.section import Credentials, SecretReference, SecretSource, Section
from obsctl.project.settings import (
    AlertmanagerSettings,
    BeatsInput,
    ElasticsearchSettings,
    GelfInput,
    GrafanaSettings,
    KibanaSettings,
    LogInputs,
    Logs,
    LogstashSettings,
    PrometheusSettings,
    StackSettings,
    TcpInput,
    WebSettings,
)

__all__ = [
    "AlertTuning",
    "AlertmanagerSettings",
    "BeatsInput",
    "Bugsink",
    "Credentials",
    "Discord",
    "ElasticsearchSettings",
    "Email",
    "Errors",
    "GelfInput",
    "GrafanaSettings",
    "Grouping",
    "KibanaSettings",
    "LatencyObjective",
    "LogInputs",
    "Logs",
    "LogstashSettings",
    "Msteams",
    "Name",
    "Notifications",
    "Objective",
    "Opsgenie",
    "Pagerduty",
    "Port",
    "Project",
    "PrometheusSettings",
    "Receiver",
    "Routes",
    "Scalar",
    "SecretReference",
    "SecretSource",
    "Section",
    "Sentry",
    "Service",
    "Severity",
    "Slack",
    "StackSettings",
    "TcpInput",
    "Telegram",
    "Threshold",
    "UserRule",
    "WebSettings",
    "Webhook",
]


class Service(Section):
    """Something of yours that is watched: an app, a database, a host."""

    kind: Name = Field(description="A kind of the catalogue: express, mongodb, redis, node, ...")
    targets: tuple[Address, ...] = Field(
        (), description="host:port of each instance that serves metrics itself."
    )
    address: Address | None = Field(
        None, description="host:port of a service that an exporter of the stack asks."
    )
    credentials: Credentials | None = Field(None, description="How the exporter logs in.")
    system: Name | None = Field(
        None, description="Services of one system mute each other's follow-up alerts."
    )
    scheme: Literal["http", "https"] = Field("http", description="How metrics are fetched.")
    metrics_path: UrlPath | None = Field(None, description="Default: the kind's own.")
    scrape_interval: Duration | None = Field(None, description="Default: the stack's.")
    metrics: tuple[MetricNames, ...] = Field(
        (), description="Metrics beside those of its kind, for your `rules`; `orders_*` is many."
    )
    settings: dict[str, Setting] = Field(
        default_factory=dict, description="Settings of the kind: metric names, labels, buckets."
    )


class LatencyObjective(Section):
    """A share of requests that are faster than a limit."""

    under: Duration = Field(description="The limit, such as `2s`.")
    ratio: Share = Field(description="The share of requests below it, such as `95%`.")

    @model_validator(mode="after")
    def _has_an_error_budget(self) -> Self:
        _check_error_budget("ratio", self.ratio)
        return self


class Objective(Section, json_schema_extra={"minProperties": 1}):
    """What a service promises; gives burn-rate alerts."""

    availability: Share | None = Field(None, description="Share of good requests in 30 days.")
    latency: LatencyObjective | None = Field(None, description="Share of fast requests.")

    @model_validator(mode="after")
    def _promises_something(self) -> Self:
        if self.availability is None and self.latency is None:
            raise refused("an objective needs `availability`, `latency`, or both")
        if self.availability is not None:
            _check_error_budget("availability", self.availability)
        return self


def _check_error_budget(name: str, share: Share) -> None:
    if not 0 < share.ratio < 1:
        raise refused(
            f"`{name}` of `{share}` leaves nothing to measure",
            "choose a share above 0% and below 100%, such as `99.9%`",
        )


class AlertTuning(Section):
    """Changes to one built-in alert."""

    enabled: bool = Field(default=True, description="false leaves the alert out.")
    critical: Threshold | None = Field(None, description="Threshold of the critical tier.")
    warning: Threshold | None = Field(None, description="Threshold of the warning tier.")
    info: Threshold | None = Field(None, description="Threshold of the info tier.")
    for_: Duration | None = Field(None, alias="for", description="For all tiers of the alert.")
    keep_firing_for: Duration | None = Field(None, description="How long it goes on firing.")
    severity: Severity | None = Field(None, description="Only for alerts of a single tier.")


class UserRule(
    Section, json_schema_extra={"oneOf": [{"required": [k]} for k in ("alert", "record")]}
):
    """An alerting or recording rule of yours, checked like the built-in ones."""

    alert: AlertName | None = Field(None, description="Name of an alerting rule.")
    record: RecordName | None = Field(None, description="Name of a recording rule's series.")
    expr: Text = Field(description="PromQL.")
    for_: Duration | None = Field(None, alias="for", description="How long before it fires.")
    keep_firing_for: Duration | None = Field(None, description="How long it goes on firing.")
    labels: dict[LabelName, str] = Field(default_factory=dict, description="Labels to add.")
    annotations: dict[LabelName, str] = Field(
        default_factory=dict, description="Texts for people: summary, description."
    )

    @model_validator(mode="after")
    def _is_alert_or_record(self) -> Self:
        if (self.alert is None) == (self.record is None):
            raise refused("a rule needs exactly one of `alert` and `record`")
        only_alerts = {
            "for": self.for_, "keep_firing_for": self.keep_firing_for,
            "annotations": self.annotations,
        }  # fmt: skip
        for key, value in only_alerts.items():
            if self.record is not None and value:
                raise refused(f"`{key}` belongs to alerting rules; this rule records a series")
        return self


class Project(Section):
    """The whole of obsctl.yaml."""

    version: Literal[1] = Field(description="Version of this file's format.")
    project: Name = Field(description="Name of the stack: containers, networks, labels.")
    environment: Name = Field("production", description="Label on every metric and alert.")
    services: dict[Name, Service] = Field(
        default_factory=dict, description="What is watched, by a name of your choice."
    )
    probes: tuple[Url, ...] = Field((), description="URLs that must answer with 2xx.")
    slo: dict[Name, Objective] = Field(
        default_factory=dict, description="Service level objectives by service."
    )
    alerts: dict[str, AlertTuning] = Field(
        default_factory=dict, description="Changes to built-in alerts, by alert."
    )
    rules: tuple[UserRule, ...] = Field((), description="Rules of your own.")
    dashboards: tuple[Text, ...] = Field(
        (), description="Dashboards of your own: paths or patterns such as dashboards/*.json."
    )
    notifications: Notifications = Field(
        Notifications(), description="Who is told about which alerts."
    )
    secrets: dict[Name, SecretSource] = Field(
        default_factory=dict, description="Where secrets come from that you do not type in."
    )
    logs: Logs = Field(Logs(), description="Where logs come in and how long they stay.")
    errors: Errors | None = Field(
        None, description="Where exceptions of the services are collected."
    )
    stack: StackSettings = Field(StackSettings(), description="Versions, ports and sizes.")
    patches: dict[str, Any] = Field(
        default_factory=dict, description="RFC 7386 merge patches on rendered YAML/JSON, by path."
    )
