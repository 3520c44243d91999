"""Prometheus: its loaded configuration and rules against prometheus.yml and the rule files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from obsctl.engine.components.compare import first_difference, rules_difference
from obsctl.engine.components.loaded.component import Component, parsed

_FILE: Final = "/etc/prometheus/prometheus.yml"


def difference(component: Component) -> str | None:
    """Why what is loaded is not what the files say; None when it is."""
    if not component.get("/api/v1/status/runtimeinfo")["data"]["reloadConfigSuccess"]:
        return "its last reload failed"
    file = component.on_host(_FILE)
    if file is None:
        return None
    wanted = parsed(file.read_bytes())
    loaded = parsed(component.get("/api/v1/status/config")["data"]["yaml"])
    if found := first_difference(wanted, loaded):
        return f"prometheus.yml is not loaded: {found}{component.stale_mount(_FILE)}"
    groups = component.get("/api/v1/rules")["data"]["groups"]
    if found := rules_difference(_groups(component, wanted), groups):
        return f"its rule files are not loaded: {found}"
    return None


def _groups(component: Component, config: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    groups: list[Mapping[str, Any]] = []
    for name in config.get("rule_files") or ():
        path = component.on_host(str(Path(_FILE).parent / name))
        for file in sorted(path.parent.glob(path.name)) if path else ():
            groups += parsed(file.read_bytes()).get("groups") or ()
    return groups
