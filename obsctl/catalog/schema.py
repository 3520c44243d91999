"""The form of a kind's file: what an entry may say, checked for a project's own kinds."""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

# Grafana's ids of the units that panels may use.
PANEL_UNITS: Final = frozenset(
    """short none percent percentunit bool_on_off bool_yes_no s ms µs d dateTimeAsIso bytes
    decbytes mbytes Bps bps pps reqps ops wps rps cps iops hertz celsius currencyUSD currencyEUR
    locale string""".split()  # noqa: SIM905 - a list of words reads best as words
)

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
PromDuration = Annotated[str, StringConstraints(pattern=r"^([0-9]+(ms|[smhdwy]))+$")]
Severity = Literal["critical", "warning", "info", "none"]
Scalar = str | int | float | bool


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class SettingEntry(Part):
    default: Scalar | tuple[Scalar, ...] | None
    note: Text
    # The setting with the regular expression that this example must, or must not, match.
    matches: Text | None = None
    differs_from: Text | None = None
    choices: tuple[Scalar, ...] = ()


class HostMountEntry(Part):
    source: Text
    target: Text


class WebFlagsEntry(Part):
    user: Text
    hash_variable: Text
    certificate: Text
    key: Text


class ExporterEntry(Part):
    image: Text
    port: int = Field(ge=1, le=65535)
    user: Text | None
    command: tuple[str, ...] = ()
    command_with_credentials: tuple[str, ...] = ()
    environment: dict[str, str] = Field(default_factory=dict)
    environment_with_credentials: dict[str, str] = Field(default_factory=dict)
    healthcheck: tuple[str, ...] | None = None
    memory_bytes: int = Field(128 * 2**20, ge=16 * 2**20)
    host_mounts: tuple[HostMountEntry, ...] = ()
    host_pid: bool = False
    reason: Text | None = None
    credentials: Literal["password_file", "json_file", "environment_from_file"] | None = None
    password_variable: Text | None = None
    program: Text | None = None
    web_config: bool = False
    web_config_flag: Text = "--web.config.file"
    web_flags: WebFlagsEntry | None = None


class TierEntry(Part):
    threshold: float | int | None = None
    wait: PromDuration | None = Field(None, alias="for")


class StepEntry(Part):
    text: Text
    query: Text | None = None
    command: Text | None = None


class RunbookEntry(Part):
    meaning: Text
    impact: Text
    diagnosis: tuple[Text | StepEntry, ...] = Field(min_length=1)
    mitigation: tuple[Text, ...] = Field(min_length=1)


class HistogramEntry(Part):
    series: Text
    p95: Text
    buckets: Text
    requests: Text = "600"


class CaseEntry(Part):
    series: dict[Text, Text] = Field(default_factory=dict)
    fires: tuple[Severity, ...] | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    after: PromDuration = "6m"
    interval: PromDuration = "1m"
    histograms: tuple[HistogramEntry, ...] = ()


class AlertEntry(Part):
    expr: Text
    tiers: dict[Severity, TierEntry] = Field(min_length=1)
    summary: Text
    description: Text
    runbook: RunbookEntry
    tests: tuple[CaseEntry, ...] = Field(min_length=1)
    unit: Literal["ratio", "seconds", "bytes", "number"] = "number"
    keep_firing_for: PromDuration | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    role: Literal["down", "follows", "watchdog"] | None = None
    buckets: Text | None = None
    expr_at_bound: Text | None = None
    description_at_bound: Text | None = None
    history: PromDuration | None = None


class QueryEntry(Part):
    expr: Text
    legend: str


class PanelEntry(Part):
    title: Text
    unit: Text
    expr: Text | None = None
    legend: str = ""
    queries: tuple[QueryEntry, ...] = ()
    type: Literal["timeseries", "stat", "gauge", "heatmap", "table"] = "timeseries"
    width: int = Field(8, ge=1, le=24)
    description: str = ""
    alert: Text | None = None
    maximum: float | int | None = None


class ObjectiveEntry(Part):
    record: Text
    expr: Text
    guard: Text
    requests: Text = "600"
    series: dict[Text, Text] = Field(min_length=1)
    buckets: Text | None = None


class KindEntry(Part):
    """A whole file. What a kind extends gives it everything that it does not say itself."""

    extends: Text | None = None
    title: Text | None = None
    category: (
        Literal["app", "datastore", "proxy", "broker", "host", "probe", "stack", "general"] | None
    ) = None
    metrics_path: Annotated[str, StringConstraints(pattern="^/")] = "/metrics"
    default_port: int | None = Field(None, ge=1, le=65535)
    exporter: ExporterEntry | None = None
    instrumentation: Literal["express", "fastapi"] | None = None
    settings: dict[str, SettingEntry] = Field(default_factory=dict)
    metrics: dict[Text, Literal["counter", "gauge", "histogram", "summary", "untyped"]] = Field(
        default_factory=dict
    )
    optional: dict[Text, Text] = Field(default_factory=dict)
    recordings: dict[Text, Text] = Field(default_factory=dict)
    alerts: dict[
        Annotated[str, StringConstraints(pattern=r"^[A-Z][a-zA-Z0-9]*$")], AlertEntry | None
    ] = Field(default_factory=dict)
    panels: dict[Text, tuple[PanelEntry, ...] | None] = Field(default_factory=dict)
    objectives: dict[Literal["availability", "latency"], ObjectiveEntry] = Field(
        default_factory=dict
    )


def schema_problems(data: Any) -> list[tuple[tuple[str | int, ...], str, bool]]:  # noqa: ANN401
    """Path, message, and whether the key is meant, for everything that breaks the form."""
    from pydantic import ValidationError

    try:
        KindEntry.model_validate(data, by_alias=True, by_name=False)
    except ValidationError as failure:
        return [_told(error) for error in failure.errors(include_url=False)]
    return []


def _told(error: Any) -> tuple[tuple[str | int, ...], str, bool]:  # noqa: ANN401 - ErrorDetails
    path = tuple(part for part in error["loc"] if part != "[key]")
    name = path[-1] if path else "the file"
    if error["type"] == "missing":
        return path[:-1], f"`{name}` is missing", True
    if error["type"] == "extra_forbidden":
        return path, f"unknown setting `{name}`", True
    message = error["msg"].lower().replace("input should be", "expected").replace("'", "`")
    return path, f"`{name}`: {message}", "[key]" in error["loc"]
