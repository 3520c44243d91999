"""Asks a component whether it has loaded the configuration files that are on disk."""

import http.client
import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import yaml

from obsctl.engine.client import Engine
from obsctl.engine.compare import first_difference, rules_difference
from obsctl.engine.model import DesiredService
from obsctl.engine.observe import Container
from obsctl.engine.reach import endpoint_of

_TIMEOUT_S: Final = 5.0
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
Ask = Callable[[str], Any]


def read_back(engine: Engine, container: Container, service: DesiredService) -> str | None:
    """Why what is loaded is not what the files say; None when it is, or no API can tell."""
    check = _CHECKS.get(service.name)
    port = (service.ready or "").partition("/")[0]
    if check is None or endpoint_of(engine, container, f"{port}/" if port else "") is None:
        return None

    def ask(path: str) -> Any:  # noqa: ANN401 - the shape is the component's
        endpoint = endpoint_of(engine, container, port + path)
        return _get_json(endpoint.host, endpoint.port, path) if endpoint else None

    deadline = time.monotonic() + _TIMEOUT_S
    with suppress(OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        # A signal is taken in its own time; an HTTP reload has ended when it answers.
        while (reason := check(ask, _mounted(container))) and time.monotonic() < deadline:
            time.sleep(0.1)
        return reason
    return None


def _get_json(host: str, port: int, path: str) -> Any:  # noqa: ANN401 - the component's shape
    connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", path)
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def _mounted(container: Container) -> dict[str, Path]:
    """Host path by container path, of what is bind-mounted."""
    mounts = container.inspected.get("Mounts") or ()
    return {one["Destination"]: Path(one["Source"]) for one in mounts if one["Type"] == "bind"}


def _on_host(path: str, mounts: Mapping[str, Path]) -> Path | None:
    if path in mounts:
        return mounts[path]
    for target, source in mounts.items():
        if path.startswith(f"{target}/"):
            return source / path.removeprefix(f"{target}/")
    return None


def _parsed(text: str | bytes) -> Any:  # noqa: ANN401 - any YAML value
    return yaml.load(text, _LOADER) or {}  # noqa: S506 - a safe one


def _stale_mount(path: str, mounts: Mapping[str, Path]) -> str:
    """A file that is mounted alone goes on being the one that was there at the start."""
    alone = "; it mounts that file alone and cannot see a new one: recreate the container"
    return alone if path in mounts else ""


def _prometheus(ask: Ask, mounts: Mapping[str, Path]) -> str | None:
    if not ask("/api/v1/status/runtimeinfo")["data"]["reloadConfigSuccess"]:
        return "its last reload failed"
    file = _on_host(_PROMETHEUS, mounts)
    if file is None:
        return None
    wanted = _parsed(file.read_bytes())
    loaded = _parsed(ask("/api/v1/status/config")["data"]["yaml"])
    if found := first_difference(wanted, loaded):
        return f"prometheus.yml is not loaded: {found}{_stale_mount(_PROMETHEUS, mounts)}"
    if found := rules_difference(_groups(wanted, mounts), ask("/api/v1/rules")["data"]["groups"]):
        return f"its rule files are not loaded: {found}"
    return None


def _groups(config: Mapping[str, Any], mounts: Mapping[str, Path]) -> list[Mapping[str, Any]]:
    groups: list[Mapping[str, Any]] = []
    for name in config.get("rule_files") or ():
        path = _on_host(str(Path(_PROMETHEUS).parent / name), mounts)
        for file in sorted(path.parent.glob(path.name)) if path else ():
            groups += _parsed(file.read_bytes()).get("groups") or ()
    return groups


def _alertmanager(ask: Ask, mounts: Mapping[str, Path]) -> str | None:
    file = _on_host(_ALERTMANAGER, mounts)
    if file is None:
        return None
    loaded = _parsed(ask("/api/v2/status")["config"]["original"])
    if found := first_difference(_parsed(file.read_bytes()), loaded):
        return f"alertmanager.yml is not loaded: {found}{_stale_mount(_ALERTMANAGER, mounts)}"
    return None


_PROMETHEUS: Final = "/etc/prometheus/prometheus.yml"
_ALERTMANAGER: Final = "/etc/alertmanager/alertmanager.yml"
_CHECKS: Final[Mapping[str, Callable[[Ask, Mapping[str, Path]], str | None]]] = {
    "prometheus": _prometheus,
    "alertmanager": _alertmanager,
}
