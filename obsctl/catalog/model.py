"""The typed form of a catalogue entry: one kind of service, everything about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Scalar = str | int | float | bool
Setting = Scalar | tuple[Scalar, ...] | None


@dataclass(frozen=True, slots=True)
class WebFlags:
    """Flags of an exporter's own for web access, and the variable for the password's hash."""

    user: str
    hash_variable: str
    certificate: str
    key: str


@dataclass(frozen=True, slots=True)
class Exporter:
    """The container that turns a backing service into metrics.

    Texts may hold `[[ address ]]`, `[[ host ]]`, `[[ port ]]`, `[[ user ]]` and
    `[[ password_file ]]`; they are filled by the resolver.
    """

    image: str  # key of conventions.IMAGES / stack.images, or a whole image reference
    port: int  # container port that serves metrics
    user: str | None  # uid:gid; None for the image's own
    command: tuple[str, ...] = ()
    # Added to the command only where the service has credentials.
    command_with_credentials: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    # Added to the environment only where the service has credentials.
    environment_with_credentials: Mapping[str, str] = field(default_factory=dict)
    # Container health check; None where the image has no shell (FROM scratch).
    healthcheck: tuple[str, ...] | None = None
    memory_bytes: int = 128 * 2**20
    # Host access of node_exporter and cAdvisor, each with its reason as a comment.
    host_mounts: tuple[tuple[str, str], ...] = ()
    host_pid: bool = False
    reason: str | None = None
    # How a password reaches it: "password_file" (its path is `[[ password_file ]]`), "json_file"
    # (redis_exporter's map of address to password), "environment_from_file" (only the variable
    # `password_variable` can carry it), or None.
    credentials: str | None = None
    password_variable: str | None = None
    # The program that the image starts, for a wrapper that has to start it itself.
    program: str | None = None
    # Whether it takes a web configuration, of the library that Prometheus's own servers share.
    web_config: bool = False
    web_config_flag: str = "--web.config.file"
    # How it has a login and TLS otherwise; None where it has not both.
    web_flags: WebFlags | None = None


@dataclass(frozen=True, slots=True)
class Recording:
    record: str
    expr: str


@dataclass(frozen=True, slots=True)
class Tier:
    """One severity of an alert; `threshold` fills `[[ threshold ]]` in the expression."""

    severity: str  # critical | warning | info | none
    threshold: float | None
    for_: str | None  # Prometheus duration


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a diagnosis: what to look at, and the query or the command that shows it."""

    text: str
    query: str | None = None  # PromQL
    command: str | None = None  # shell


@dataclass(frozen=True, slots=True)
class Runbook:
    meaning: str
    impact: str
    diagnosis: tuple[Step, ...]
    mitigation: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HistogramSeries:
    """Bucket and count series whose 95th percentile is `p95` (seconds, may be a placeholder)."""

    series: str  # base name with labels
    p95: str
    buckets: str  # name of the setting with the bounds
    requests: str = "600"  # in each interval


@dataclass(frozen=True, slots=True)
class Case:
    """One side of a unit test: input series (promtool notation) and when to look.

    `fires` holds the severities that are expected; empty is the silent side, None stands for
    every side: silent, and one case for each tier. `[[ value ]]` in a series is a number just
    within the thresholds on the silent side, and just beyond the tier's on a firing one;
    `[[ n ]]` is the number of samples up to the moment of looking.
    """

    series: Mapping[str, str]
    fires: tuple[str, ...] | None = None
    labels: Mapping[str, str] = field(default_factory=dict)  # of the alert beside the usual ones
    after: str = "6m"  # when the condition holds at the latest; `for` comes on top
    interval: str = "1m"
    histograms: tuple[HistogramSeries, ...] = ()


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert in all its tiers, with its runbook and its unit tests.

    Where `buckets` names a setting with a histogram's bounds, `expr_at_bound` replaces `expr`
    for a threshold that is one of them (`[[ bound ]]` matches its `le`): exact, and right at the
    last bound too, beyond which no quantile goes.
    """

    name: str
    expr: str
    tiers: tuple[Tier, ...]
    summary: str
    description: str
    runbook: Runbook
    tests: tuple[Case, ...]
    unit: str = "number"  # of the threshold: ratio | seconds | bytes | number
    below: bool = False  # fires below its threshold, not above
    keep_firing_for: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    # "down" mutes the alerts of the same system that are marked "follows".
    role: str | None = None
    buckets: str | None = None
    expr_at_bound: str | None = None
    description_at_bound: str | None = None
    history: str | None = None  # how far back it looks; left out where retention is shorter


@dataclass(frozen=True, slots=True)
class Query:
    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    title: str
    queries: tuple[Query, ...]
    unit: str
    type: str = "timeseries"  # timeseries | stat | gauge | heatmap | table
    width: int = 8
    description: str = ""
    alert: str | None = None  # alert whose tiers are drawn as thresholds
    row: str = ""
    maximum: float | None = None


@dataclass(frozen=True, slots=True)
class Objective:
    """What an SLO of this kind is measured by: the share of bad requests over `[[ window ]]`."""

    record: str  # `[[ window ]]` included
    expr: str
    guard: str  # condition on enough traffic
    series: Mapping[str, str]  # unit test input; `[[ good ]]` and `[[ bad ]]` are values
    buckets: str | None = None  # setting with the bounds, for a latency objective
    requests: str = "600"  # a minute, in unit tests


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind; `[[ selector ]]` is `job="<service>"` in rules.

    In panels `[[ selector ]]` is `job=~"$job",instance=~"$instance"` and `[[ job_selector ]]`
    only `job=~"$job"`, for recorded series without an instance. Where a setting is null, all
    that mentions it is left out.
    """

    name: str
    title: str
    category: str  # app | datastore | proxy | broker | host | probe | stack | general
    metrics_path: str
    exporter: Exporter | None
    default_port: int | None
    settings: Mapping[str, Setting]
    metrics: Mapping[str, str]  # metric name -> type (counter, gauge, histogram, untyped)
    recordings: tuple[Recording, ...]
    alerts: tuple[Alert, ...]
    panels: tuple[Panel, ...]
    objectives: Mapping[str, Objective] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)  # what each setting means
    # Example setting -> the setting with the pattern that it must (True) or must not match.
    examples: Mapping[str, tuple[str, bool]] = field(default_factory=dict)
    # Setting -> the values that it may have, where they are few.
    choices: Mapping[str, tuple[Scalar, ...]] = field(default_factory=dict)
    # Metric -> the set-ups that have it, as in "exists only `on replicas`"; others lack nothing.
    optional: Mapping[str, str] = field(default_factory=dict)
    # Folder of templates/instrumentation with the code for an application of this kind.
    instrumentation: str | None = None


@dataclass(frozen=True, slots=True)
class Catalog:
    kinds: Mapping[str, Kind]
