"""The blackbox exporter: its loaded modules against blackbox.yml."""

from collections.abc import Mapping
from typing import Any, Final

from obsctl.engine.components.compare import first_difference
from obsctl.engine.components.loaded.component import Component, parsed

_FILE: Final = "/etc/blackbox_exporter/blackbox.yml"
Json = Mapping[str, Any]


def difference(component: Component) -> str | None:
    """Why what is loaded is not what the file says; None when it is."""
    file = component.on_host(_FILE)
    if file is None:
        return None
    wanted = parsed(file.read_bytes())
    loaded = parsed(component.text("/config"))
    found = first_difference(wanted, loaded) or _gone(wanted, loaded)
    if found:
        return f"blackbox.yml is not loaded: {found}{component.stale_mount(_FILE)}"
    return None


def _gone(wanted: Json, loaded: Json) -> str | None:
    """Modules are a mapping: one too many is no default of the exporter's."""
    extra = sorted(set(loaded.get("modules") or {}) - set(wanted.get("modules") or {}))
    return f"module `{extra[0]}` is loaded, and the file has it no more" if extra else None
