"""Logstash: what became of the reload that it does by itself when its files change."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from obsctl.engine.components.loaded.component import Component, Refusal

_PIPELINES: Final = "/usr/share/logstash/pipeline"
_ID: Final = re.compile(r"""^\s*id\s*=>\s*["']([^"']+)["']""", re.MULTILINE)
Json = Mapping[str, Any]


def difference(component: Component) -> str | None:
    """Why the files are not loaded; Refusal with Logstash's own words when it refused them.

    It checks a changed pipeline before it stops the running one, which it keeps otherwise.
    """
    pipelines = component.get("/_node/stats/pipelines")["pipelines"]
    for name, pipeline in pipelines.items():
        reloads = pipeline.get("reloads") or {}
        failed, succeeded = (_moment(reloads, kind) for kind in ("failure", "success"))
        if failed >= component.written and failed > succeeded:
            raise Refusal(0, f"pipeline `{name}`: {_words(reloads)}")
        loaded_at = max(succeeded, component.container.started_at)
        # Files that it had not left are not loaded again.
        if loaded_at < component.written and not component.restored:
            return f"its pipeline `{name}` has not taken them yet"
    if not pipelines:
        return "it runs no pipeline"
    loaded = {plugin for pipeline in pipelines.values() for plugin in _plugin_ids(pipeline)}
    missing = sorted(_written_ids(component) - loaded)
    return f"its pipeline has no plugin `{missing[0]}`" if missing else None


def _moment(reloads: Json, kind: str) -> float:
    text = reloads.get(f"last_{kind}_timestamp")
    return datetime.fromisoformat(str(text)).timestamp() if text else 0.0


def _words(reloads: Json) -> str:
    message = (reloads.get("last_error") or {}).get("message") or "it gives no reason"
    return " ".join(str(message).split())[:600]


def _plugin_ids(pipeline: Json) -> Iterator[str]:
    for plugins in (pipeline.get("plugins") or {}).values():
        yield from (str(plugin["id"]) for plugin in plugins if "id" in plugin)


def _written_ids(component: Component) -> set[str]:
    folder = component.on_host(_PIPELINES)
    files = sorted(folder.glob("*.conf")) if folder else ()
    return {found for file in files for found in _ID.findall(file.read_text(encoding="utf-8"))}
