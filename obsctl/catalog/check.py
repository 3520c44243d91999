"""What is wrong with a catalogue entry beyond its form: placeholders, PromQL, metrics, tests."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from obsctl.catalog.exporter_text import unknown_placeholders
from obsctl.catalog.model import Alert, Kind, Panel, Setting
from obsctl.catalog.promql import metrics_of, parse_error
from obsctl.catalog.schema import PANEL_UNITS
from obsctl.catalog.text import fill, number

Path = tuple[str | int, ...]
Problem = tuple[Path, str]

# What Prometheus itself has for every target, and for every alert.
_ALWAYS: Final = frozenset({"up", "ALERTS", "ALERTS_FOR_STATE"})
_SCRAPE: Final = "scrape_"
_HISTOGRAM: Final = ("_bucket", "_sum", "_count")
_COMMON: Final = {
    "selector": 'job="x"',
    "job_selector": 'job="x"',
    "service": "x",
    "system": "x",
    "environment": "x",
    "address": "x:1",
    "prometheus_url": "http://x",
}
_TIER: Final = {"threshold": "1", "threshold_text": "1", "thresholds": "1", "alert": "X"}
_BOUND: Final = {"bound": "1", "bound_text": "1"}
_WINDOW: Final = {"window": "5m"}
_CASE: Final = dict.fromkeys(("value", "n", "m", "critical", "warning", "info"), "1")
_GRAFANA: Final = re.compile(r"\$__\w+")


def check_kind(kind: Kind) -> Iterator[Problem]:
    """Path inside of the file, and message."""
    checker = _Checker(kind)
    for recording in kind.recordings:
        yield from checker.expression(("recordings", recording.record), recording.expr)
    for alert in kind.alerts:
        yield from checker.alert(alert)
    rows: dict[str, int] = {}
    for panel in kind.panels:
        index = rows[panel.row] = rows.get(panel.row, -1) + 1
        yield from checker.panel(("panels", panel.row, index), panel)
    yield from unknown_placeholders(kind)
    yield from _check_names(kind)
    for name, objective in kind.objectives.items():
        path: Path = ("objectives", name)
        yield from checker.expression((*path, "expr"), objective.expr, {**_WINDOW, **_BOUND})
        yield from checker.expression((*path, "guard"), objective.guard)
        if objective.buckets and objective.buckets not in kind.settings:
            yield (*path, "buckets"), f"there is no setting `{objective.buckets}`"


def _check_names(kind: Kind) -> Iterator[Problem]:
    for name in sorted(kind.optional.keys() - kind.metrics.keys()):
        yield ("optional", name), f"`{name}` is not among the `metrics` of the kind"
    for key, (pattern, wanted) in kind.examples.items():
        if pattern not in kind.settings:
            yield ("settings", key), f"there is no setting `{pattern}`"
        elif (re.fullmatch(str(kind.settings[pattern]), str(kind.settings[key])) is None) == wanted:
            yield ("settings", key), f"the example does not fit `{pattern}`"


class _Checker:
    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        # A setting that is null by default is checked as if it had a value.
        given = {key: _sample(key, value) for key, value in kind.settings.items()}
        self._values = {**_COMMON, **given}
        self._values |= {
            key: fill(value, self._values) for key, value in given.items() if "[[ " in value
        }
        self._declared = frozenset(self._declarations())

    def _declarations(self) -> Iterator[str]:
        for template, type_ in self._kind.metrics.items():
            name = fill(template, self._values)
            yield name
            if type_ in ("histogram", "summary"):
                yield from (name + suffix for suffix in _HISTOGRAM)
        yield from (fill(each.record, self._values) for each in self._kind.recordings)

    def expression(
        self, path: Path, template: str, more: Mapping[str, str] | None = None
    ) -> Iterator[Problem]:
        """It fills, it parses, and its metrics are declared."""
        filled, problem = self.filled(template, more)
        if problem or filled is None:
            yield path, problem or ""
            return
        plain = _GRAFANA.sub("5m", filled)
        if error := parse_error(plain):
            yield path, f"this is no PromQL: {error}"
            return
        for name in sorted(metrics_of(plain) - self._declared - _ALWAYS):
            if not name.startswith(_SCRAPE):
                yield path, f"`{name}` is not among the `metrics` or `recordings` of the kind"

    def filled(
        self, template: str, more: Mapping[str, str] | None = None
    ) -> tuple[str | None, str | None]:
        try:
            return fill(template, {**self._values, **(more or {})}), None
        except ValueError as error:
            return None, str(error)

    def texts(self, path: Path, *templates: str | None, **more: str) -> Iterator[Problem]:
        for template in templates:
            _, problem = self.filled(template or "", {**_TIER, **more})
            if problem:
                yield path, problem

    def alert(self, alert: Alert) -> Iterator[Problem]:
        path: Path = ("alerts", alert.name)
        yield from self.expression((*path, "expr"), alert.expr, _TIER)
        if alert.expr_at_bound:
            values = {**_TIER, **_BOUND}
            yield from self.expression((*path, "expr_at_bound"), alert.expr_at_bound, values)
        yield from self.texts((*path, "summary"), alert.summary)
        yield from self.texts((*path, "description"), alert.description)
        yield from self.texts((*path, "description_at_bound"), alert.description_at_bound)
        if "[[ selector ]]" not in alert.expr and alert.role != "watchdog":
            yield (*path, "expr"), "without `[[ selector ]]` it would fire for other services"
        yield from self._thresholds(path, alert)
        yield from self._runbook(path, alert)
        yield from _sides(path, alert)
        for index, case in enumerate(alert.tests):
            where = (*path, "tests", index)
            for text in (*case.series, *case.series.values(), *case.labels.values()):
                yield from self.texts(where, text, **_CASE)
            for histogram in case.histograms:
                yield from self._histogram(where, histogram.buckets)

    def _thresholds(self, path: Path, alert: Alert) -> Iterator[Problem]:
        has = [tier.threshold is not None for tier in alert.tiers]
        if any(has) != all(has):
            yield (*path, "tiers"), "either every tier has a threshold or none"
        if all(has) != ("[[ threshold ]]" in alert.expr):
            yield (*path, "expr"), "`[[ threshold ]]` stands in it exactly when tiers have one"
        if alert.buckets:
            yield from self._histogram((*path, "buckets"), alert.buckets)

    def _histogram(self, path: Path, setting: str) -> Iterator[Problem]:
        if not isinstance(self._kind.settings.get(setting), tuple):
            yield path, f"`{setting}` is no setting with a list of bounds"

    def _runbook(self, path: Path, alert: Alert) -> Iterator[Problem]:
        book = alert.runbook
        yield from self.texts((*path, "runbook"), book.meaning, book.impact, *book.mitigation)
        for index, step in enumerate(book.diagnosis):
            where = (*path, "runbook", "diagnosis", index)
            yield from self.texts(where, step.text, step.query, step.command)
            filled, _ = self.filled(step.query or "", _TIER)
            if filled and (error := parse_error(filled)):
                yield where, f"this is no PromQL: {error}"

    def panel(self, path: Path, panel: Panel) -> Iterator[Problem]:
        if panel.unit not in PANEL_UNITS:
            yield (*path, "unit"), f"`{panel.unit}` is no unit that obsctl knows of Grafana"
        known = {alert.name: alert for alert in self._kind.alerts}
        if panel.alert and panel.alert not in known:
            yield (*path, "alert"), f"the kind has no alert `{panel.alert}`"
        elif panel.alert and known[panel.alert].tiers[0].threshold is None:
            yield (*path, "alert"), f"`{panel.alert}` has no threshold to draw"
        for query in panel.queries:
            if not query.expr:
                yield path, "it has neither `expr` nor `queries`"
                continue
            yield from self.expression(path, query.expr)
            yield from self.texts(path, query.legend)


def _sides(path: Path, alert: Alert) -> Iterator[Problem]:
    cases = alert.tests
    if any(case.fires is None for case in cases):
        return
    if not any(case.fires == () for case in cases) and alert.role != "watchdog":
        yield (*path, "tests"), "no test shows it silent: add a case with `fires: []`"
    fired = {severity for case in cases for severity in case.fires or ()}
    for tier in alert.tiers:
        if tier.severity not in fired:
            yield (*path, "tests"), f"no test shows it firing as {tier.severity}"


def _sample(key: str, value: Setting) -> str:
    if value is None:
        return key
    if isinstance(value, tuple):
        return "1"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number(value)
    return str(value)
