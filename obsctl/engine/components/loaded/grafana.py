"""Grafana: its datasources and dashboards against the provisioning files."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from obsctl.engine.components.compare import first_difference
from obsctl.engine.components.loaded.component import Component, Refusal, yaml_files

_PROVISIONING: Final = "/etc/grafana/provisioning"
_NOT_FOUND: Final = 404
# Never told again, or told in another form.
_UNTOLD: Final = frozenset({"secureJsonData", "editable", "orgId", "version"})
# What a panel asks; expressions of Prometheus and Elasticsearch.
_QUERY_KEYS: Final = ("expr", "query")
Json = Mapping[str, Any]


def difference(component: Component) -> str | None:
    """Why what Grafana has is not what the files say; None when it has."""
    found = _datasources(component)
    return next(found, None) or next(_dashboards(component), None)


def _datasources(component: Component) -> Iterator[str]:
    documents = yaml_files(component.on_host(f"{_PROVISIONING}/datasources"))
    wanted = [one for document in documents for one in document.get("datasources") or ()]
    live = {one["name"]: one for one in component.get("/api/datasources")} if documents else {}
    for source in wanted:
        name = source["name"]
        told = {key: value for key, value in source.items() if key not in _UNTOLD}
        if name not in live:
            yield f"the datasource `{name}` is not loaded"
        elif found := first_difference(told, live[name], name):
            yield f"the datasource is not loaded: {found}"
    if any(document.get("prune") for document in documents):
        names = {source["name"] for source in wanted}
        provisioned = (name for name, one in live.items() if one.get("readOnly"))
        for name in sorted(set(provisioned) - names):
            yield f"the datasource `{name}` is loaded, and no file has it any more"


def _dashboards(component: Component) -> Iterator[str]:
    for document in yaml_files(component.on_host(f"{_PROVISIONING}/dashboards")):
        for provider in document.get("providers") or ():
            folder = component.on_host(str((provider.get("options") or {}).get("path")))
            uids: set[str] = set()
            for file in sorted(folder.rglob("*.json")) if folder else ():
                if not file.name.startswith("."):
                    yield from _dashboard(component, file, uids)
            yield from _left_over(component, provider, uids)


def _dashboard(component: Component, file: Path, uids: set[str]) -> Iterator[str]:
    wanted = json.loads(file.read_bytes())
    uid = wanted.get("uid")
    if not uid:
        return  # Grafana makes one up
    uids.add(uid)
    try:
        live = component.get(f"/api/dashboards/uid/{uid}")["dashboard"]
    except Refusal as refusal:
        if refusal.status != _NOT_FOUND:
            raise
        yield f"the dashboard {file.name} is not loaded"
        return
    if wanted.get("title") != live.get("title"):
        yield f"{file.name}: its title is `{wanted.get('title')}`, loaded is `{live.get('title')}`"
    elif found := first_difference(_panels(wanted), _panels(live), file.name):
        yield f"a dashboard is not loaded: {found}"


def _left_over(component: Component, provider: Json, uids: set[str]) -> Iterator[str]:
    """Dashboards of our folder whose file is gone."""
    folder = provider.get("folderUid")
    if not folder or provider.get("disableDeletion"):
        return
    found = component.get("/api/search?type=dash-db&limit=5000")
    for one in found:
        if one.get("folderUid") == folder and one["uid"] not in uids:
            yield f"the dashboard `{one['title']}` is loaded, and no file has it any more"


def _panels(model: Json) -> list[dict[str, Any]]:
    """Titles and queries only: Grafana brings the rest into the form of its own version."""
    panels: list[dict[str, Any]] = []
    for panel in model.get("panels") or ():
        targets = panel.get("targets") or ()
        queries = [
            {key: target[key] for key in _QUERY_KEYS if isinstance(target.get(key), str)}
            for target in targets
        ]
        panels.append({"panel": panel.get("title") or "", "queries": queries})
        panels += _panels(panel)
    return panels
