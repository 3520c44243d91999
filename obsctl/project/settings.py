"""The `logs` and `stack` sections: inputs, versions, ports, sizes."""

from typing import Final, Literal, Self

from pydantic import Field, model_validator

from obsctl.project.fields import (
    ImageName,
    IpAddress,
    Memory,
    NetworkName,
    Port,
    RetentionSize,
    Url,
    UserName,
    refused,
)
from obsctl.project.quantities import Duration, Size
from obsctl.project.section import SecretReference, Section

# A link in a notification is opened far from the Docker host.
PUBLIC_URL: Final = "Where people open it, in links; default: the published port."


class TcpInput(Section):
    """JSON lines over TCP."""

    port: Port = Field(5000, description="Port on the host.")


class BeatsInput(Section):
    """Filebeat and its kin."""

    port: Port = Field(5044, description="Port on the host.")


class GelfInput(Section):
    """GELF over UDP, as Docker's own log driver sends it."""

    port: Port = Field(12201, description="Port on the host.")


class LogInputs(Section, json_schema_extra={"minProperties": 1}):
    """How logs arrive; `{}` takes an input with its defaults."""

    tcp: TcpInput | None = Field(None, description="JSON lines over TCP.")
    beats: BeatsInput | None = Field(None, description="Filebeat and its kin.")
    gelf: GelfInput | None = Field(None, description="GELF over UDP.")

    @model_validator(mode="after")
    def _has_an_input(self) -> Self:
        if self.tcp is None and self.beats is None and self.gelf is None:
            raise refused(
                "logs need at least one input",
                "`tcp: {}`, `beats: {}` or `gelf: {}`; `stack.without: [elk]` leaves logs out",
            )
        return self


class Logs(Section):
    """Where logs come in and how long they stay."""

    inputs: LogInputs = Field(LogInputs(tcp=TcpInput()), description="How logs arrive.")
    retention: Duration = Field(Duration("14d"), description="Age at which logs are deleted.")


class PrometheusSettings(Section):
    """Metrics."""

    port: Port = Field(9090, description="Port on the host.")
    retention: Duration = Field(Duration("15d"), description="Age at which samples are deleted.")
    scrape_interval: Duration = Field(Duration("15s"), description="Between two scrapes.")
    evaluation_interval: Duration = Field(Duration("15s"), description="Between two evaluations.")
    url: Url | None = Field(None, description=PUBLIC_URL)
    retention_size: RetentionSize | None = Field(
        None, description="Size at which the oldest samples go; default: the budget's share."
    )
    memory: Memory = Field(Size("1GiB"), description="Limit of the container.")


class AlertmanagerSettings(Section):
    """Notifications."""

    port: Port = Field(9093, description="Port on the host.")
    url: Url | None = Field(None, description=PUBLIC_URL)
    memory: Memory = Field(Size("256MiB"), description="Limit of the container.")


class GrafanaSettings(Section):
    """Dashboards."""

    # 3000 is where most Node apps listen, the seed's among them.
    port: Port = Field(3001, description="Port on the host.")
    url: Url | None = Field(None, description=PUBLIC_URL)
    memory: Memory = Field(Size("512MiB"), description="Limit of the container.")


class ElasticsearchSettings(Section):
    """Storage of logs."""

    port: Port = Field(9200, description="Port on the host.")
    memory: Memory = Field(Size("2GiB"), description="Limit of the container; half is heap.")
    tls: bool = Field(default=False, description="Serve HTTPS, with a certificate of the stack's.")


class LogstashSettings(Section):
    """The log pipeline."""

    port: Port = Field(9600, description="Port of its API on the host.")
    memory: Memory = Field(Size("1536MiB"), description="Limit of the container; half is heap.")


class KibanaSettings(Section):
    """Search in logs."""

    port: Port = Field(5601, description="Port on the host.")
    url: Url | None = Field(None, description=PUBLIC_URL)
    memory: Memory = Field(Size("1536MiB"), description="Limit of the container.")


class WebSettings(Section):
    """A login, and TLS, in front of Prometheus, Alertmanager and the exporters."""

    user: UserName = Field("admin", description="Who may log in.")
    password: SecretReference = Field(
        SecretReference(secret="web_password"),  # noqa: S106 - the name of a secret
        description="The password, as a reference.",
    )
    tls: bool = Field(default=False, description="Serve HTTPS, with certificates of the stack's.")


class BudgetSettings(Section, json_schema_extra={"minProperties": 1}):
    """What all containers together may use; limits that are not set are derived from it."""

    memory: Size | None = Field(
        None, description="Sum of the limits of all containers; heaps are shares of the limits."
    )
    disk: Size | None = Field(
        None, description="Volumes and logs of the containers; without images and snapshots."
    )

    @model_validator(mode="after")
    def _is_of_something(self) -> Self:
        if self.memory is None and self.disk is None:
            raise refused("a budget needs `memory`, `disk`, or both", "such as `{ memory: 8GiB }`")
        return self


class StackSettings(Section):
    """Versions, ports and sizes of the stack's own parts."""

    bind: IpAddress = Field("127.0.0.1", description="Address on which ports are published.")
    networks: tuple[NetworkName, ...] = Field(
        (),
        description="Docker networks of the application: its containers are reached by name.",
    )
    images: dict[str, ImageName] = Field(
        default_factory=dict, description="`registry` (a mirror) or an image by its name."
    )
    budget: BudgetSettings | None = Field(
        None, description="Memory and disk of the whole stack, from which limits are derived."
    )
    web: WebSettings | None = Field(
        None, description="A login for Prometheus, Alertmanager and exporters; `{}` is admin's."
    )
    prometheus: PrometheusSettings = Field(PrometheusSettings(), description="Metrics.")
    alertmanager: AlertmanagerSettings = Field(AlertmanagerSettings(), description="Notifications.")
    grafana: GrafanaSettings = Field(GrafanaSettings(), description="Dashboards.")
    elasticsearch: ElasticsearchSettings = Field(
        ElasticsearchSettings(), description="Storage of logs."
    )
    logstash: LogstashSettings = Field(LogstashSettings(), description="The log pipeline.")
    kibana: KibanaSettings = Field(KibanaSettings(), description="Search in logs.")
    without: tuple[Literal["elk", "kibana", "grafana"], ...] = Field(
        (), description="Parts to leave out; `elk` is all of Elasticsearch, Logstash, Kibana."
    )
