"""Whether Alertmanager's notifications arrive at their receivers, by the last one of each way."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from obsctl.conventions import SINK_RECEIVER
from obsctl.health.asking.context import Context
from obsctl.health.asking.observed import log_lines
from obsctl.health.checks.alertmanager import FILE
from obsctl.health.findings.report import Finding
from obsctl.health.judging.exposition import labelled
from obsctl.health.judging.sends import Sends, failure_reason, growth, sends

_JOB: Final = "alertmanager"
LOG_LINES: Final = 200
# One notification is tried again and again, up to group_interval: these count each time, ...
TRIED: Final = "alertmanager_notification_requests_total"
REFUSED: Final = "alertmanager_notification_requests_failed_total"
# ... and this one when it was given up.
_LOST: Final = "alertmanager_notifications_failed_total"


@dataclass(frozen=True, slots=True)
class Way:
    """An integration as the counters tell it apart; `receiver` is empty where they do not."""

    integration: str
    receiver: str = ""

    @classmethod
    def of(cls, labels: Mapping[str, str]) -> "Way":
        return cls(labels.get("integration", ""), labels.get("receiver_name", ""))


@dataclass(slots=True)
class Counts:
    """Samples of the three counters of one way, the last of them of this moment."""

    series: dict[str, dict[float, float]] = field(default_factory=dict)

    def add(self, name: str, at: float, value: float) -> None:
        """Add up what differs in other labels only, such as the reason."""
        samples = self.series.setdefault(name, {})
        samples[at] = samples.get(at, 0.0) + value

    def samples(self, name: str) -> list[tuple[float, float]]:
        return sorted(self.series.get(name, {}).items())


def notifications(context: Context) -> Iterator[Finding]:
    """A way fails whose last notification did; one that works again tells what was lost."""
    claim = context.claim("signals", "alertmanager", "its notifications are delivered")
    counted = _counts(context)
    if not counted:
        yield claim.skip("it is not scraped")
        return
    config = context.on_disk(FILE)
    told = [
        finding
        for way, counts in counted.items()
        # What an earlier configuration told is nobody's news.
        if (users := _users(config, way)) and (finding := _told(context, way, counts, users))
    ]
    yield from told or [claim.ok("nothing was sent in 15 minutes, and nothing failed")]


def _counts(context: Context) -> dict[Way, Counts]:
    """What Prometheus has of a quarter of an hour, and what Alertmanager says now."""
    found: dict[Way, Counts] = {}
    for name in (TRIED, REFUSED, _LOST):
        for series in context.query(f'{name}{{job="{_JOB}"}}[15m]'):
            counts = found.setdefault(Way.of(series["metric"]), Counts())
            for at, value in series["values"]:
                counts.add(name, float(at), float(value))
    text, now = context.get("alertmanager", "/metrics").text, time.time()
    for name in (TRIED, REFUSED, _LOST):
        for labels, value in labelled(text, name):
            if counts_now := found.get(Way.of(labels)):
                counts_now.add(name, now, value)
    return found


def _users(config: Mapping[str, Any], way: Way) -> int:
    """How many places stand behind one way; that of test alerts on this machine does not count."""
    return sum(
        len(entry.get(f"{way.integration}_configs") or ())
        for entry in config.get("receivers") or ()
        if entry.get("name") != SINK_RECEIVER and way.receiver in ("", entry.get("name"))
    )


def _told(context: Context, way: Way, counts: Counts, users: int) -> Finding | None:
    name = way.integration
    claim = context.claim("signals", "alertmanager", f"{name} takes its notifications").about(name)
    tried = sends(counts.samples(TRIED), counts.samples(REFUSED))
    lost = growth(counts.samples(_LOST))
    code, last = judged(tried, lost, users)
    told = f"in 15 minutes: {tried.failed} attempts failed, lost {lost}; {last}"
    if code == "notifications-lost":
        return claim.warn(code, told, integration=name)
    ours, of_tests = _logged(context, way) if code else ("", "")
    if of_tests and not ours:
        return None
    if not code:
        return claim.ok("it took the last one") if tried.last_sent else None
    evidence = f"{told}\nAlertmanager logged: {ours}" if ours else told
    return claim.fail(code, evidence, integration=name)


def judged(tried: Sends, lost: int, users: int) -> tuple[str, str]:
    """The cause, and what is known of the last notification; both empty where nothing is lost."""
    if tried.ends_badly:
        return "notifications-failing", "the last attempt failed, too"
    if not lost:
        return "", ""  # what failed was delivered at another attempt
    if users > 1:
        words = f"{users} receivers share the counters, which do not tell whether all work now"
        return "notifications-failing", words
    return "notifications-lost", "the last notification was delivered"


def _logged(context: Context, way: Way) -> tuple[str, str]:
    """The newest error of a real receiver, and that of test alerts to this machine.

    Both are empty where Alertmanager runs elsewhere.
    """
    if "alertmanager" in context.targets:
        return "", ""
    lines = log_lines(context.stack.project, "alertmanager", LOG_LINES)
    of_tests = [line for line in lines if SINK_RECEIVER in line]
    ours = [line for line in lines if SINK_RECEIVER not in line and way.receiver in line]
    return failure_reason(ours, way.integration), failure_reason(of_tests, way.integration)
