"""What is wrong with a dashboard, before Grafana shows empty panels: places, ids, queries."""

import re
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any, Final

from obsctl.conventions import DATASOURCE_ELASTICSEARCH, DATASOURCE_PROMETHEUS
from obsctl.stack.expressions import metrics_of, parse_error, without_grafana
from obsctl.stack.panels import COLUMNS

_UID: Final = re.compile(r"[a-zA-Z0-9_-]{1,40}")
_DATASOURCES: Final = {
    "prometheus": DATASOURCE_PROMETHEUS,
    "elasticsearch": DATASOURCE_ELASTICSEARCH,
}
_BUILT_IN: Final = frozenset({"grafana", "datasource"})
_NEWEST_SCHEMA: Final = 42
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|`[^`]*`')
_VARIABLE: Final = re.compile(r"\$\{\w+(?::\w+)?\}|\$\w+|\[\[\w+\]\]")
_SUFFIXES: Final = ("_bucket", "_count", "_sum")

Model = Mapping[str, Any]


def check_dashboard(model: Model, metrics: frozenset[str] | None = None) -> list[str]:
    """All problems, empty when there are none; `metrics` are the names that are declared."""
    return [
        *_check_head(model),
        *_check_places(model),
        *_check_variables(model),
        *(problem for panel in all_panels(model) for problem in _check_panel(panel, metrics)),
    ]


def all_panels(model: Model) -> Iterator[Model]:
    """Every panel but rows, those inside of collapsed rows included."""
    for panel in model.get("panels", ()):
        if panel.get("type") == "row":
            yield from panel.get("panels", ())
        else:
            yield panel


def declared(metrics: Mapping[str, str]) -> frozenset[str]:
    """All series names of declared metrics: a histogram has three."""
    names = set(metrics)
    for name, type_ in metrics.items():
        if type_ in ("histogram", "summary"):
            names.update(name + suffix for suffix in _SUFFIXES)
    return frozenset(names)


def _check_head(model: Model) -> Iterator[str]:
    uid, title = model.get("uid"), model.get("title")
    if not isinstance(uid, str) or not _UID.fullmatch(uid):
        yield f"`{uid}` is no uid: up to 40 letters, digits, `-` and `_`"
    if not isinstance(title, str) or not title.strip():
        yield "it has no title"
    schema = model.get("schemaVersion")
    if not isinstance(schema, int) or isinstance(schema, bool) or schema > _NEWEST_SCHEMA:
        yield f"its schemaVersion is `{schema}`; up to {_NEWEST_SCHEMA} is known"
    if "__inputs" in model:
        yield "its `__inputs` are not filled in"
    if not isinstance(model.get("panels"), list):
        yield "it has no list of panels"


def _check_places(model: Model) -> Iterator[str]:
    panels = model.get("panels")
    if not isinstance(panels, list):
        return
    everything = [*panels, *(p for row in panels for p in row.get("panels") or ())]
    ids = [panel.get("id") for panel in everything]
    if any(not isinstance(each, int) or isinstance(each, bool) or each < 1 for each in ids):
        yield "a panel has no whole number as its id"
    for twice in sorted({str(each) for each in ids if ids.count(each) > 1}):
        yield f"the panel id {twice} is used twice"
    placed = []
    for panel in panels:
        place = panel.get("gridPos")
        if problem := _place_problem(place):
            yield f"panel {_called(panel)}: {problem}"
        else:
            placed.append((panel, place))
    for (one, first), (other, second) in combinations(placed, 2):
        if _overlap(first, second):
            yield f"panels {_called(one)} and {_called(other)} overlap"


def _place_problem(place: object) -> str | None:
    if not isinstance(place, Mapping):
        return "it has no gridPos"
    numbers = [place.get(key) for key in ("h", "w", "x", "y")]
    if not all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in numbers):
        return "its gridPos needs whole numbers h, w, x and y"
    if not place["w"] or not place["h"] or place["x"] + place["w"] > COLUMNS:
        return f"it does not fit into {COLUMNS} columns"
    return None


def _overlap(one: Model, other: Model) -> bool:
    beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
    apart = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
    return not beside and not apart


def _check_variables(model: Model) -> Iterator[str]:
    for variable in model.get("templating", {}).get("list", ()):
        if variable.get("type") == "query":
            yield from _source_problem(variable, f"variable `{variable.get('name')}`")


def _check_panel(panel: Model, metrics: frozenset[str] | None) -> Iterator[str]:
    called = f"panel {_called(panel)}"
    if not panel.get("title"):
        yield f"{called} has no title"
    if "libraryPanel" in panel:
        yield f"{called} is a library panel, which lives in another Grafana"
        return
    if panel.get("type") != "text":
        yield from _source_problem(panel, called)
    refs = [target.get("refId") for target in panel.get("targets", ())]
    if len(set(refs)) < len(refs) or None in refs:
        yield f"{called}: every query needs a refId of its own"
    for target in panel.get("targets", ()):
        yield from _source_problem(target, called)
        if "expr" in target:
            yield from _check_expr(target["expr"], called, metrics)


def _source_problem(holder: Model, called: str) -> Iterator[str]:
    source = holder.get("datasource")
    if not isinstance(source, Mapping):
        yield f"{called} names no datasource by type and uid"
        return
    type_, uid = source.get("type"), source.get("uid")
    if type_ in _BUILT_IN:
        return
    if type_ not in _DATASOURCES:
        yield f"{called} asks a datasource of type `{type_}`, which the stack does not have"
    elif uid != _DATASOURCES[type_]:
        yield f"{called} asks the datasource `{uid}`; the stack's is `{_DATASOURCES[type_]}`"


def _check_expr(expr: str, called: str, metrics: frozenset[str] | None) -> Iterator[str]:
    plain = plain_expression(expr)
    if error := parse_error(plain):
        yield f"{called}: this is no PromQL: {error}"
    elif metrics is not None:
        for name in sorted(metrics_of(plain) - metrics):
            yield f"{called} shows `{name}`, which nothing declares"


def plain_expression(expr: str) -> str:
    """The expression with Grafana's variables replaced by something of their kind."""
    expr = re.sub(r"\[\s*(\$\w+|\$\{\w+\})\s*(:[^\]]*)?\]", "[5m]", without_grafana(expr))
    parts, end = [], 0
    for match in _STRING.finditer(expr):
        parts += [_VARIABLE.sub("1", expr[end : match.start()]), match[0]]
        end = match.end()
    return "".join([*parts, _VARIABLE.sub("1", expr[end:])])


def _called(panel: Model) -> str:
    return f"`{panel.get('title') or panel.get('id')}`"
