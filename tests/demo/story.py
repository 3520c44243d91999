"""The story of a bad hour in two minutes: orders fail, people are told, it is mended, all clear."""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.markup import escape

from obsctl.project.schema import Project
from tests.demo.neighbours import notifications
from tests.kit.shop import ROW, Load, Shop

_FAILING_PERCENT = 12
_PATIENCE_S = 60.0
_POLL_S = 0.25
# The rules look at five minutes: so many seconds of orders are to outweigh what was before them.
_TURN_S = 6.0
_RATE = (20, 1500)  # orders a second
_OUTWEIGHED = 3000  # orders of five minutes; more of them would take too long
_SILENT_SHARE = 0.045  # below the warning
_ALERT = "HighErrorRate"


class StoryStopped(Exception):  # noqa: N818 - the story did not go on, for the reason in its text
    """Something that should have happened did not."""


class Seen(NamedTuple):
    """What was seen of something, and whether it has happened."""

    evidence: str
    happened: bool = True


@dataclass(slots=True)
class Story:
    """One run of it. `told` is the file with what the webhook was posted."""

    project: Project
    root: Path
    told: Path
    shop: Shop
    console: Console

    def run(self) -> None:
        """Raises StoryStopped at the first thing that does not happen."""
        before = len(notifications(self.told))
        self.step("all is scraped", self.scraped)
        if self.asked() > _OUTWEIGHED:
            self.say("not told again: the rules look at five minutes, which the last stories fill")
            return
        # 12 % of the new orders are 10 % of all once there are five times as many as before.
        load = Load(self.shop.port, ROW / self.rate(5 * self.asked()))
        load.start()
        try:
            self.fail(before, load)
            self.mend(load)
        finally:
            load.stop()
            self.shop.inject(0)
        self.step("the webhook is told of that", lambda: self.notified(before, "resolved"))

    def fail(self, before: int, load: Load) -> None:
        """Orders fail, and everybody who should know does; `before` notifications are old."""
        self.say(f"{_FAILING_PERCENT} of 100 orders fail from now on")
        self.shop.inject(_FAILING_PERCENT)
        self.step(f"{_ALERT} is a warning", lambda: self.fires("warning"))
        self.step(f"{_ALERT} is critical", lambda: self.fires("critical"))
        load.pause_s = ROW / _RATE[0]
        self.step("the webhook is told", lambda: self.notified(before, "firing"))
        self.step("Bugsink lists the error", self.tracked)
        self.step("Elasticsearch has the logs", self.logged)

    def mend(self, load: Load) -> None:
        """Orders work again, and many of them dilute the five minutes that the rule looks at."""
        self.say("the fault is mended: no order fails any more")
        self.shop.inject(0)
        failed = self.counted('status_code=~"5.."')
        load.pause_s = ROW / self.rate(failed / _SILENT_SHARE - self.asked())
        self.step(f"{_ALERT} is silent", self.quiet)

    def say(self, text: str) -> None:
        self.console.print(f"      {text}", style="bold", highlight=False)

    def step(self, what: str, look: Callable[[], Seen]) -> None:
        """Look until it has happened; what is seen meanwhile is shown on a terminal."""
        began = time.monotonic()
        with self.console.status(what) as status:
            while True:
                try:
                    seen, happened = look()
                except (OSError, ValueError, LookupError) as error:
                    seen, happened = str(error), False
                took = time.monotonic() - began
                if happened:
                    break
                if took > _PATIENCE_S:
                    msg = f"not within {_PATIENCE_S:.0f} s: {what} ({seen})"
                    raise StoryStopped(msg)
                first, _, _ = seen.partition("\n")
                status.update(f"{what:28}{took:5.0f} s  {escape(first)}")
                time.sleep(_POLL_S)
        self.console.print(
            "[green]ok[/]   ", f"{what:28}{took:5.1f} s ", escape(seen), highlight=False
        )

    def rate(self, orders: float) -> float:
        """Orders a second that make so many in time."""
        return min(max(orders / _TURN_S, _RATE[0]), _RATE[1])

    def asked(self) -> float:
        """Requests of the last five minutes."""
        return self.counted("")

    def counted(self, matchers: str) -> float:
        selector = f'http_requests_total{{job="backend",{matchers}}}'
        return self.value(f"sum(increase({selector}[5m]))") or 0.0

    def value(self, expr: str) -> float | None:
        """The value of an expression with one series."""
        samples = self.samples(expr)
        return float(samples[0]["value"][1]) if samples else None

    def samples(self, expr: str) -> list[Any]:
        port = self.project.stack.prometheus.port
        query = urllib.parse.urlencode({"query": expr})
        found = read(f"http://127.0.0.1:{port}/api/v1/query?{query}")
        result: list[Any] = found["data"]["result"]
        return result

    def scraped(self) -> Seen:
        wanted = {"backend", "redis", "mongodb"}
        up = {one["metric"]["job"] for one in self.samples("up == 1")}
        for metric in ("redis_up", "mongodb_up"):
            if self.value(f"min({metric})") != 1:
                up.discard(metric.removesuffix("_up"))
        missing = ", ".join(sorted(wanted - up))
        words = f"not yet: {missing}" if missing else "the shop, Redis, MongoDB"
        return Seen(words, not missing)

    def fires(self, severity: str) -> Seen:
        share = self.value("job:http_request_errors_per_request:ratio_rate5m") or 0.0
        labels = f'alertname="{_ALERT}",alertstate="firing",severity="{severity}"'
        return Seen(f"{share:.1%} of requests fail", bool(self.samples(f"ALERTS{{{labels}}}")))

    def quiet(self) -> Seen:
        share = self.value("job:http_request_errors_per_request:ratio_rate5m") or 0.0
        firing = self.samples(f'ALERTS{{alertname="{_ALERT}",alertstate="firing"}}')
        return Seen(f"{share:.1%} failed in five minutes", not firing)

    def notified(self, before: int, status: str) -> Seen:
        posts = notifications(self.told)[before:]
        alerts = [
            alert
            for post in posts
            for alert in post["alerts"]
            if alert["labels"]["alertname"] == _ALERT and alert["status"] == status
        ]
        if not alerts:
            return Seen("alerts are grouped for 15 s", happened=False)
        tiers = ", ".join(sorted({alert["labels"]["severity"] for alert in alerts}))
        words = f"{tiers} {status}"
        if status == "firing":
            words = f"{tiers}; the warning is muted" if tiers == "critical" else tiers
            words += f"\n      {alerts[0]['annotations']['runbook_url']}"
        return Seen(words)

    def tracked(self) -> Seen:
        errors = self.project.errors
        assert errors
        assert errors.bugsink
        token = self.secret("bugsink_api_token")
        api = f"http://127.0.0.1:{errors.bugsink.port}/api/canonical/0"
        login = {"Authorization": f"Bearer {token}"}
        projects = read(f"{api}/projects/", login)["results"]
        (ours,) = (one for one in projects if one["name"] == "backend")
        issues = read(f"{api}/issues/?project={ours['id']}", login)["results"]
        for one in issues:
            if "the order cannot be read" in one["calculated_value"]:
                return Seen(f"{one['friendly_id']}: {one['calculated_value']}")
        return Seen("no issue yet", happened=False)

    def logged(self) -> Seen:
        port = self.project.stack.elasticsearch.port
        passwords = urllib.request.HTTPPasswordMgrWithPriorAuth()
        url = f"http://127.0.0.1:{port}/logs-backend-demo/_count?q=log.level:error"
        login = ("elastic", self.secret("elastic_password"))
        passwords.add_password(None, url, *login, is_authenticated=True)
        opener = urllib.request.build_opener(urllib.request.HTTPBasicAuthHandler(passwords))
        with opener.open(url, timeout=5) as answer:
            count = json.load(answer)["count"]
        return Seen(f"{count} events of level error", count > 0)

    def secret(self, name: str) -> str:
        return (self.root / "secrets" / name).read_text().strip()


def read(url: str, headers: dict[str, str] | None = None) -> Any:  # noqa: ANN401 - JSON
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers or {}), timeout=5) as a:
        return json.load(a)
