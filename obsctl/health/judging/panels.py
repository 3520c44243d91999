"""The queries behind the panels of a dashboard, with its variables filled in; pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

# What Grafana fills in by itself; the values of a graph over the last hour.
_BUILT_IN: Final = {
    "__rate_interval": "5m",
    "__interval": "1m",
    "__interval_ms": "60000",
    "__range": "1h",
    "__range_s": "3600",
    "__range_ms": "3600000",
}
_VARIABLE: Final = re.compile(
    r"\$\{(?P<braced>\w+)(?::\w+)?\}|\[\[(?P<old>\w+)(?::\w+)?\]\]|\$(?P<plain>\w+)"
)
_ALL: Final = "$__all"
_ANYTHING: Final = ".+"


@dataclass(frozen=True, slots=True)
class PanelQuery:
    """One target of one panel; `expr` is PromQL or, for Elasticsearch, a Lucene query."""

    dashboard: str  # uid
    title: str  # of the panel
    datasource: str  # uid
    expr: str
    target: Mapping[str, Any] = field(default_factory=dict, compare=False)  # as in the dashboard


def panel_queries(model: Mapping[str, Any]) -> tuple[PanelQuery, ...]:
    """Every query of a classic dashboard model, rows included; hidden targets as well."""
    values = {**_BUILT_IN, **_variables(model)}
    uid = str(model.get("uid", ""))
    return tuple(
        PanelQuery(uid, str(panel.get("title", "")), source, filled(text, values), target)
        for panel in _panels(model.get("panels") or ())
        for source, text, target in _targets(panel)
    )


def dashboard_difference(wanted: Mapping[str, Any], actual: Mapping[str, Any]) -> str:
    """The first thing that a person would see otherwise, in words; empty when there is none.

    Titles, variables, panels and their queries: what Grafana fills in and rearranges by itself
    is no difference.
    """
    if wanted.get("title") != actual.get("title"):
        return _says("the title", wanted.get("title"), actual.get("title"))
    ours, theirs = sorted(_variables(wanted)), sorted(_variables(actual))
    if ours != theirs:
        return _says("the variables", ", ".join(ours), ", ".join(theirs))
    return _title_difference(_titles(wanted), _titles(actual)) or _query_difference(
        panel_queries(wanted), panel_queries(actual)
    )


def _title_difference(ours: Sequence[str], theirs: Sequence[str]) -> str:
    for titles, others, where in ((ours, theirs, "the file"), (theirs, ours, "Grafana")):
        only = next((title for title in titles if title not in others), None)
        if only is not None:
            return f"the panel `{only}` is only in {where}"
    return "" if ours == theirs else "the panels are in another order"


def _query_difference(ours: Sequence[PanelQuery], theirs: Sequence[PanelQuery]) -> str:
    for one, two in zip(ours, theirs, strict=False):
        if one != two:
            return _says(f"the query of the panel `{one.title}`", one.expr, two.expr)
    return "" if len(ours) == len(theirs) else "a panel has another number of queries"


def _says(what: str, wanted: object, actual: object) -> str:
    return f"{what}: the file has `{wanted}`, Grafana has `{actual}`"


def _titles(model: Mapping[str, Any]) -> list[str]:
    return [str(panel.get("title", "")) for panel in _panels(model.get("panels") or ())]


def filled(text: str, values: Mapping[str, str]) -> str:
    """`text` with its variables replaced; one that is not known stays as it is."""

    def value(match: re.Match[str]) -> str:
        name = match["braced"] or match["old"] or match["plain"]
        return values.get(name, match[0])

    return _VARIABLE.sub(value, text)


def _panels(panels: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for panel in panels:
        yield panel
        yield from _panels(panel.get("panels") or ())


def _targets(panel: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    default = _uid(panel.get("datasource"))
    for target in panel.get("targets") or ():
        text = target.get("expr") or target.get("query")
        if isinstance(text, str) and text.strip():
            yield _uid(target.get("datasource")) or default, text, target


def _uid(reference: object) -> str:
    if isinstance(reference, Mapping):
        return str(reference.get("uid") or "")
    return reference if isinstance(reference, str) else ""


def _variables(model: Mapping[str, Any]) -> dict[str, str]:
    listed = (model.get("templating") or {}).get("list") or ()
    return {str(variable["name"]): _value(variable) for variable in listed if "name" in variable}


def _value(variable: Mapping[str, Any]) -> str:
    current = (variable.get("current") or {}).get("value")
    chosen = [str(item) for item in current] if isinstance(current, list) else [str(current or "")]
    if not any(chosen) or _ALL in chosen:
        return str(variable.get("allValue") or _ANYTHING)
    return chosen[0] if len(chosen) == 1 else f"({'|'.join(chosen)})"
