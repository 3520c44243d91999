"""What alertmanager.yml says, as typed data; a part of the Stack."""

from collections.abc import Mapping
from dataclasses import dataclass

from obsctl.conventions import CANARY_LABEL, SINK_FILE, SINK_LABEL, SINK_RECEIVER


@dataclass(frozen=True, slots=True)
class Integration:
    """One way of a receiver: Alertmanager's `<kind>_configs` entry."""

    kind: str  # slack | email | pagerduty | opsgenie | msteamsv2 | discord | telegram | webhook
    config: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Receiver:
    name: str
    integrations: tuple[Integration, ...]


@dataclass(frozen=True, slots=True)
class Route:
    matchers: tuple[str, ...]
    receivers: tuple[str, ...]
    group_wait: str | None = None
    group_interval: str | None = None
    repeat_interval: str | None = None
    muted_by: tuple[str, ...] = ()  # names of time intervals


@dataclass(frozen=True, slots=True)
class Inhibition:
    source: tuple[str, ...]
    target: tuple[str, ...]
    equal: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sink:
    """The way of test alerts that nobody but the machine that asks is told of."""

    label: str = SINK_LABEL
    receiver: str = SINK_RECEIVER
    file: str = SINK_FILE  # beside alertmanager.yml; holds the URL while somebody listens


@dataclass(frozen=True, slots=True)
class Alerting:
    receivers: tuple[Receiver, ...]
    routes: tuple[Route, ...]
    inhibitions: tuple[Inhibition, ...]
    group_wait: str
    group_interval: str
    repeat_interval: str
    time_intervals: tuple[Mapping[str, object], ...] = ()
    sink: Sink = Sink()
    group_by: tuple[str, ...] = ("alertname", "service", CANARY_LABEL)
