"""The project's own dashboards: exports of any Grafana, made to ask this stack's datasources."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from obsctl.conventions import DATASOURCE_ELASTICSEARCH, DATASOURCE_PROMETHEUS
from obsctl.stack.dashboard_check import check_dashboard
from obsctl.stack.model import Dashboard

_FIXED: Final = {
    "prometheus": DATASOURCE_PROMETHEUS,
    "elasticsearch": DATASOURCE_ELASTICSEARCH,
}
_PSEUDO: Final = frozenset({"-- Grafana --", "-- Mixed --", "-- Dashboard --", "grafana"})
_INPUT: Final = re.compile(r"\$\{(\w+)\}")
_RESERVED: Final = "obsctl-"
_EXPORT: Final = "in Grafana choose Export, classic, with `Export for sharing externally`"

Source = Mapping[str, str]


def adopt_dashboard(model: object, *, has_logs: bool = True) -> tuple[Dashboard | None, list[str]]:
    """The dashboard with its datasources rewritten, and what is wrong with it.

    `__inputs` and names of datasources become the stack's fixed uids. Refused, with the reason:
    exports in the v2 format, datasources that the stack does not have, and uids of another
    Grafana, of which nobody can say what they were.
    """
    if isinstance(model, dict) and isinstance(model.get("dashboard"), dict):
        model = model["dashboard"]
    if not isinstance(model, dict):
        return None, ["this is no dashboard: its JSON is not an object"]
    if problem := _format_problem(model):
        return None, [problem]
    fixed = _FIXED if has_logs else {"prometheus": DATASOURCE_PROMETHEUS}
    adopter = _Adopter(fixed, _inputs(model), _variables(model))
    adopted = adopter.adopt(model)
    adopted = {k: v for k, v in adopted.items() if k not in ("__inputs", "__requires")} | {
        "id": None,
        "uid": model.get("uid") or _slug(str(model.get("title", ""))),
    }
    problems = list(dict.fromkeys(adopter.problems)) or check_dashboard(adopted)
    uid = str(adopted["uid"])
    if uid.startswith(_RESERVED):
        problems.append(f"its uid `{uid}` begins with `{_RESERVED}`, as obsctl's own do")
    if problems:
        return None, problems
    return Dashboard(uid, str(adopted["title"]), adopted), []


def _format_problem(model: Mapping[str, Any]) -> str | None:
    if "spec" in model or {"elements", "layout"} <= model.keys():
        return f"it is in the v2 format, which files cannot provision yet; {_EXPORT}"
    if model.get("__elements"):
        return "it uses library panels, which live in another Grafana; unlink them, then export"
    if "panels" not in model:
        return "this is no dashboard: it has no `panels`"
    return None


def _inputs(model: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {each["name"]: each for each in model.get("__inputs", ()) if "name" in each}


def _variables(model: Mapping[str, Any]) -> dict[str, str]:
    """Variables that choose a datasource, by their type: `$datasource` in many dashboards."""
    variables = model.get("templating", {}).get("list", ())
    return {v["name"]: v.get("query", "") for v in variables if v.get("type") == "datasource"}


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:40] or "dashboard"


class _Adopter:
    """Rewrites a model from top to bottom and notes what it cannot."""

    def __init__(
        self,
        fixed: Source,
        inputs: Mapping[str, Mapping[str, Any]],
        variables: Source,
    ) -> None:
        self._fixed = fixed
        self._inputs = inputs
        self._variables = variables
        self.problems: list[str] = []

    def adopt(self, model: Mapping[str, Any]) -> dict[str, Any]:
        adopted: dict[str, Any] = self._walk(model, "the dashboard")
        listed = adopted.get("templating", {}).get("list")
        if listed:
            kept = [v for v in listed if v.get("type") != "datasource"]
            adopted["templating"] = {**adopted["templating"], "list": kept}
        for panel in self._panels(adopted):
            self._complete(panel)
        return adopted

    def _panels(self, model: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        for panel in model.get("panels") or ():
            yield panel
            yield from self._panels(panel)

    def _complete(self, panel: dict[str, Any]) -> None:
        """A panel without a datasource asks the default one; its queries ask what it asks."""
        if panel.get("type") in ("row", "text"):
            return
        source = panel.get("datasource") or self._ref("prometheus")
        panel["datasource"] = source
        for index, target in enumerate(panel.get("targets") or ()):
            target.setdefault("refId", chr(ord("A") + index))
            target["datasource"] = target.get("datasource") or source

    def _walk(self, value: Any, where: str) -> Any:  # noqa: ANN401 - plain JSON
        if isinstance(value, dict):
            here = f"`{value['title']}`" if isinstance(value.get("title"), str) else where
            return {
                key: self._source(item, here)
                if key == "datasource" and item is not None
                else self._walk(item, here)
                for key, item in value.items()
                if key != "__inputs"
            }
        if isinstance(value, list | tuple):
            return [self._walk(item, where) for item in value]
        return self._constants(value) if isinstance(value, str) else value

    def _constants(self, text: str) -> str:
        def constant(match: re.Match[str]) -> str:
            given = self._inputs.get(match[1], {})
            return (
                str(given.get("value", match[0])) if given.get("type") == "constant" else match[0]
            )

        replace: Callable[[re.Match[str]], str] = constant
        return _INPUT.sub(replace, text)

    def _ref(self, type_: str) -> dict[str, str]:
        return {"type": type_, "uid": self._fixed[type_]}

    def _source(self, source: object, where: str) -> object:
        """The fixed datasource that a reference of any form means."""
        if isinstance(source, str):
            return self._named(source, None, where)
        if isinstance(source, Mapping):
            if source.get("type") in ("grafana", "datasource"):
                return dict(source)
            return self._named(source.get("uid"), source.get("type"), where)
        self.problems.append(f"{where}: `{source}` names no datasource")
        return None

    def _named(self, name: object, type_: object, where: str) -> object:
        if name in _PSEUDO:
            return {"type": "datasource", "uid": name}
        wanted = self._type_of(name, type_)
        if wanted is not None and wanted in self._fixed:
            return self._ref(wanted)
        have = " and ".join(f"`{each}`" for each in self._fixed)
        if wanted:
            self.problems.append(
                f"{where} asks a datasource of type `{wanted}`; the stack has {have}"
            )
        else:
            self.problems.append(
                f"{where} asks the datasource `{name}` of another Grafana; {_EXPORT}"
            )
        return None

    def _type_of(self, name: object, type_: object) -> str | None:
        """The type that a reference means, None where only its old Grafana knew."""
        if isinstance(type_, str) and type_ not in self._fixed:
            return type_
        if name in (None, "", "default"):
            return str(type_ or "prometheus")
        text = str(name)
        if text in self._fixed.values():
            return next(kind for kind, uid in self._fixed.items() if uid == text)
        if text.startswith("$"):
            key = text.strip("${}")
            given = self._inputs.get(key, {})
            return given.get("pluginId") or self._variables.get(key)
        return text.lower() if text.lower() in self._fixed else None
