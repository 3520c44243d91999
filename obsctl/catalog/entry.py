"""The typed form of a catalogue entry from its plain data, and what an entry inherits."""

import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final

from obsctl.catalog.model import (
    Alert,
    Case,
    Exporter,
    HistogramSeries,
    Kind,
    Objective,
    Panel,
    Query,
    Recording,
    Runbook,
    Setting,
    Step,
    Tier,
    WebFlags,
)

Data = Mapping[str, Any]
_BELOW: Final = re.compile(r"<=?\s*\[\[ threshold")
# What a kind adds to the kind it extends, by key; everything else replaces it.
_MERGED: Final = (
    "settings", "metrics", "optional", "recordings", "alerts", "panels", "objectives",
)  # fmt: skip


def inherit(entry: Data, base: Data) -> Data:
    """The entry's data on top of that of the kind it extends."""
    merged = {**base, **entry}
    for part in _MERGED:
        merged[part] = {**base.get(part, {}), **entry.get(part, {})}
    removed = {name for name, alert in merged["alerts"].items() if alert is None}
    return {
        **merged,
        "alerts": {name: a for name, a in merged["alerts"].items() if name not in removed},
        "panels": {row: _without(panels, removed) for row, panels in merged["panels"].items()},
    }


def _without(panels: Sequence[Data] | None, removed: AbstractSet[str]) -> list[Data]:
    """The panels without the thresholds of alerts that are there no more."""
    return [
        {key: value for key, value in panel.items() if key != "alert" or value not in removed}
        for panel in panels or ()
    ]


def kind(name: str, data: Data) -> Kind:
    """The typed entry; `data` has the schema's shape and holds what it inherits."""
    return Kind(
        name=name,
        title=data["title"],
        category=data["category"],
        metrics_path=data.get("metrics_path", "/metrics"),
        exporter=_exporter(data["exporter"]) if data.get("exporter") else None,
        default_port=data.get("default_port"),
        settings={key: _default(value) for key, value in data.get("settings", {}).items()},
        notes={key: value["note"] for key, value in data.get("settings", {}).items()},
        examples=dict(_examples(data.get("settings", {}))),
        choices={
            key: tuple(value["choices"])
            for key, value in data.get("settings", {}).items()
            if value.get("choices")
        },
        metrics=data.get("metrics", {}),
        optional=data.get("optional", {}),
        instrumentation=data.get("instrumentation"),
        recordings=tuple(
            Recording(record, expr.strip()) for record, expr in data.get("recordings", {}).items()
        ),
        alerts=tuple(_alert(key, value) for key, value in data.get("alerts", {}).items()),
        panels=tuple(_panels(data.get("panels", {}))),
        objectives={
            key: Objective(**{**value, "expr": value["expr"].strip()})
            for key, value in data.get("objectives", {}).items()
        },
    )


def _default(data: Data) -> Setting:
    value = data["default"]
    return tuple(value) if isinstance(value, list | tuple) else value


def _examples(settings: Data) -> Iterator[tuple[str, tuple[str, bool]]]:
    for key, value in settings.items():
        if "matches" in value:
            yield key, (value["matches"], True)
        elif "differs_from" in value:
            yield key, (value["differs_from"], False)


def _exporter(data: Data) -> Exporter:
    fields = dict(data)
    for key in ("command", "command_with_credentials", "healthcheck"):
        if fields.get(key) is not None:
            fields[key] = tuple(fields[key])
    fields["host_mounts"] = tuple((m["source"], m["target"]) for m in data.get("host_mounts", ()))
    if flags := data.get("web_flags"):
        fields["web_flags"] = WebFlags(**flags)
    return Exporter(**fields)


def _alert(name: str, data: Data) -> Alert:
    fields = dict(data)
    fields["tiers"] = tuple(
        Tier(severity, tier.get("threshold"), tier.get("for"))
        for severity, tier in data["tiers"].items()
    )
    for key in ("expr", "expr_at_bound"):
        if fields.get(key):
            fields[key] = fields[key].strip()
    fields["below"] = _BELOW.search(data["expr"]) is not None
    fields["runbook"] = _runbook(data["runbook"])
    fields["tests"] = tuple(_case(case) for case in data["tests"])
    return Alert(name=name, **fields)


def _runbook(data: Data) -> Runbook:
    return Runbook(
        meaning=data["meaning"].strip(),
        impact=data["impact"].strip(),
        diagnosis=tuple(
            Step(step) if isinstance(step, str) else Step(**step) for step in data["diagnosis"]
        ),
        mitigation=tuple(data["mitigation"]),
    )


def _case(data: Data) -> Case:
    fields = dict(data)
    if fields.get("fires") is not None:
        fields["fires"] = tuple(fields["fires"])
    fields["histograms"] = tuple(HistogramSeries(**h) for h in data.get("histograms", ()))
    return Case(**fields)


def _panels(rows: Data) -> Iterator[Panel]:
    for row, panels in rows.items():
        for panel in panels or ():
            fields = dict(panel)
            single = Query(fields.pop("expr", "").strip(), fields.pop("legend", ""))
            queries = tuple(
                Query(q["expr"].strip(), q["legend"]) for q in fields.pop("queries", ())
            )
            yield Panel(queries=queries or (single,), row=row, **fields)
