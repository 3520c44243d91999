"""Alertmanager: its loaded configuration against alertmanager.yml."""

from typing import Final

from obsctl.engine.components.compare import first_difference
from obsctl.engine.components.loaded.component import Component, parsed

_FILE: Final = "/etc/alertmanager/alertmanager.yml"


def difference(component: Component) -> str | None:
    """Why what is loaded is not what the file says; None when it is."""
    file = component.on_host(_FILE)
    if file is None:
        return None
    loaded = parsed(component.get("/api/v2/status")["config"]["original"])
    if found := first_difference(parsed(file.read_bytes()), loaded):
        return f"alertmanager.yml is not loaded: {found}{component.stale_mount(_FILE)}"
    return None
