"""A synthetic alert on its way: posted, routed, delivered or failed, and resolved."""

import secrets
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from obsctl.conventions import CANARY_LABEL
from obsctl.engine.components.compare import duration_s
from obsctl.engine.components.matchers import Stop, integrations_of, route_of
from obsctl.health.asking.context import Context
from obsctl.health.asking.probe import ProbeError, Request
from obsctl.health.checks.alertmanager import FILE
from obsctl.health.checks.notifications import REFUSED, TRIED
from obsctl.health.judging.exposition import labelled

_ALERTS: Final = "/api/v2/alerts"
_SILENCES: Final = "/api/v2/silences"
_OK: Final = 200
MUTE_TIME: Final = "a mute time"
_LIVES_S: Final = 900
"""An alert whose end could not be posted ends by itself after this time."""
_RETRY_S: Final = 5.0
GRACE_S: Final = 20.0
"""On top of group_wait: one notification with its retries."""


@dataclass(frozen=True, slots=True)
class Canary:
    """A test alert; its own label tells it from any real one."""

    labels: Mapping[str, str]
    mark: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def all_labels(self) -> dict[str, str]:
        return {**self.labels, CANARY_LABEL: self.mark}


@dataclass(frozen=True, slots=True)
class Counts:
    """Requests to receivers since Alertmanager started, by integration."""

    sent: Mapping[str, float]
    failed: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Placement:
    """Where Alertmanager has put a test alert; `seconds` since it was posted."""

    receivers: tuple[str, ...]
    seconds: float
    muted_by: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one integration did with the notifications that were expected of it."""

    integration: str
    state: str  # delivered | failed | waiting
    seconds: float


def expected_stops(context: Context, labels: Mapping[str, str]) -> tuple[Stop, ...]:
    """The way that the rendered alertmanager.yml gives to an alert with these labels."""
    return route_of(context.on_disk(FILE), labels)


def expected_notifications(context: Context, receivers: Iterable[str]) -> Counter[str]:
    """How many notifications each integration has to send for these receivers."""
    config = context.on_disk(FILE)
    return Counter(name for receiver in receivers for name in integrations_of(config, receiver))


def longest_wait_s(stops: tuple[Stop, ...]) -> float:
    """The time that Alertmanager collects alerts before it sends the first notification."""
    return max((duration_s(stop.group_wait) or 0.0 for stop in stops), default=0.0)


@contextmanager
def raised(context: Context, canary: Canary, summary: str) -> Iterator[float]:
    """Post the alert; gives the time of it. It is resolved at the end, whatever happens."""
    post_alert(context, canary, summary, datetime.now(UTC) + timedelta(seconds=_LIVES_S))
    try:
        yield time.monotonic()
    finally:
        # With a deadline of its own: the check's may be over, and the alert has to end. Where
        # Alertmanager has gone away meanwhile, the alert ends by itself.
        with suppress(ProbeError):
            post_alert(context.within(5), canary, summary, datetime.now(UTC))


def post_alert(context: Context, canary: Canary, summary: str, ends: datetime) -> None:
    """Post an alert that ends at `ends`; ProbeError when Alertmanager refuses it."""
    alert = {
        "labels": canary.all_labels,
        "annotations": {
            "summary": summary,
            "description": "A test of the way to this receiver. Nothing is wrong.",
        },
        "endsAt": ends.isoformat(),
    }
    answer = context.ask("alertmanager", Request(_ALERTS, "POST", [alert]))
    if answer.status != _OK:
        raise ProbeError("unexpected-status", f"POST {_ALERTS}: {answer.excerpt}")


@contextmanager
def silenced(context: Context, canaries: Iterable[Canary]) -> Iterator[str]:
    """Nobody is told of these alerts; gives the silence's id. It ends with the block.

    Where its end could not be posted, it ends by itself.
    """
    now = datetime.now(UTC)
    marks = "|".join(canary.mark for canary in canaries)
    silence = {
        "matchers": [{"name": CANARY_LABEL, "value": marks, "isRegex": True, "isEqual": True}],
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(seconds=_LIVES_S)).isoformat(),
        "createdBy": "obsctl",
        "comment": "test alerts of obsctl check --deep --receiver-sink",
    }
    answer = context.ask("alertmanager", Request(_SILENCES, "POST", silence))
    if answer.status != _OK:
        raise ProbeError("unexpected-status", f"POST {_SILENCES}: {answer.excerpt}")
    name = str(answer.json()["silenceID"])
    try:
        yield name
    finally:
        with suppress(ProbeError):
            context.within(5).ask("alertmanager", Request(f"/api/v2/silence/{name}", "DELETE"))


def placement(context: Context, canary: Canary, since: float, ours: str = "") -> Placement:
    """Where the alert went, as Alertmanager tells it; it takes a moment after the post.

    `ours` is a silence that we have made, and that counts as none.
    """
    seen = _seen(context, canary, since)
    names = tuple(sorted(receiver["name"] for receiver in seen["receivers"]))
    status = seen["status"]
    if ours:
        status["silencedBy"] = [name for name in status.get("silencedBy") or () if name != ours]
    muted = _muted_by(status) if status["state"] == "suppressed" else ""
    return Placement(names, time.monotonic() - since, muted)


def deliveries(
    context: Context, expected: Mapping[str, int], before: Counts, since: float
) -> Iterator[Delivery]:
    """One Delivery per integration, as each is known; ends at the deadline of `context`.

    A request that failed is tried again by Alertmanager: it counts as failed only when no
    other has succeeded a few seconds later.
    """
    open_ = dict(expected)
    failed_at: dict[str, float] = {}
    pause_s = 0.05
    while open_:
        after, now = counts(context), time.monotonic()
        for name, wanted in tuple(open_.items()):
            state = delivery_state(name, wanted, before, after)
            if state == "failed" and now - failed_at.setdefault(name, now) < _RETRY_S:
                state = "waiting"
            if state != "waiting" or context.is_over(1.0):
                del open_[name]
                late = "failed" if name in failed_at else "waiting"
                yield Delivery(name, late if state == "waiting" else state, now - since)
        time.sleep(pause_s if open_ else 0)
        pause_s = min(pause_s * 1.5, 1.0)


def delivery_state(name: str, wanted: int, before: Counts, after: Counts) -> str:
    sent = after.sent.get(name, 0) - before.sent.get(name, 0)
    failed = after.failed.get(name, 0) - before.failed.get(name, 0)
    if sent - failed >= wanted:
        return "delivered"
    return "failed" if failed else "waiting"


def is_listed(context: Context, canary: Canary) -> bool:
    """Whether Alertmanager has the alert among those that are not over."""
    return bool(_listed(context, canary))


def _listed(context: Context, canary: Canary) -> list[dict[str, Any]]:
    path = f"{_ALERTS}?filter={CANARY_LABEL}%3D%22{canary.mark}%22"
    listed: list[dict[str, Any]] = context.ask("alertmanager", Request(path)).json()
    return listed


def _seen(context: Context, canary: Canary, since: float) -> dict[str, Any]:
    """The alert as Alertmanager has it; it takes a moment after the post."""
    while not (alerts := _listed(context, canary)):
        if time.monotonic() - since > GRACE_S or context.is_over():
            raise ProbeError("canary-not-seen", "the alert was accepted and is not listed")
        time.sleep(0.05)
    return alerts[0]


def _muted_by(status: Mapping[str, Any]) -> str:
    reasons = {"silencedBy": "a silence", "inhibitedBy": "an inhibition", "mutedBy": MUTE_TIME}
    return next((words for key, words in reasons.items() if status.get(key)), "")


def counts(context: Context) -> Counts:
    """The counters of notification requests, from Alertmanager's own metrics."""
    text = context.ask("alertmanager", Request("/metrics")).text
    return Counts(*(_by_integration(text, name) for name in (TRIED, REFUSED)))


def _by_integration(text: str, name: str) -> Mapping[str, float]:
    found: dict[str, float] = {}
    for labels, value in labelled(text, name):
        way = labels["integration"]
        found[way] = found.get(way, 0.0) + value
    return found
