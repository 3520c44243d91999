"""Asks a component whether it has loaded the configuration files that are on disk."""

import http.client
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import yaml

from obsctl.engine.client import Engine
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
    for target, source in mounts.items():
        if path.startswith(f"{target}/"):
            return source / path.removeprefix(f"{target}/")
    return None


def _prometheus(ask: Ask, mounts: Mapping[str, Path]) -> str | None:
    if not ask("/api/v1/status/runtimeinfo")["data"]["reloadConfigSuccess"]:
        return "its last reload failed"
    file = _on_host("/etc/prometheus/prometheus.yml", mounts)
    if file is None:
        return None
    wanted = yaml.load(file.read_bytes(), _LOADER)  # noqa: S506 - a safe one
    loaded = yaml.load(ask("/api/v1/status/config")["data"]["yaml"], _LOADER)  # noqa: S506
    if _jobs(loaded) != _jobs(wanted):
        return "its loaded scrape jobs are not those of prometheus.yml"
    groups = ask("/api/v1/rules")["data"]["groups"]
    found = sorted((group["name"], len(group["rules"])) for group in groups)
    if found != sorted(_groups(wanted, mounts)):
        return "its loaded rule groups are not those of the rule files"
    return None


def _jobs(config: Mapping[str, Any]) -> dict[str, list[str]]:
    """Targets by job."""
    return {
        job["job_name"]: sorted(
            target
            for static in job.get("static_configs") or ()
            for target in static.get("targets") or ()
        )
        for job in config.get("scrape_configs") or ()
    }


def _groups(config: Mapping[str, Any], mounts: Mapping[str, Path]) -> Iterator[tuple[str, int]]:
    for name in config.get("rule_files") or ():
        path = _on_host(str(Path("/etc/prometheus") / name), mounts)
        for file in sorted(path.parent.glob(path.name)) if path else ():
            rules = yaml.load(file.read_bytes(), _LOADER) or {}  # noqa: S506 - a safe one
            for group in rules.get("groups") or ():
                yield group["name"], len(group.get("rules") or ())


def _alertmanager(ask: Ask, mounts: Mapping[str, Path]) -> str | None:
    file = _on_host("/etc/alertmanager/alertmanager.yml", mounts)
    if file is None:
        return None
    wanted = yaml.load(file.read_bytes(), _LOADER)  # noqa: S506 - a safe one
    loaded = yaml.load(ask("/api/v2/status")["config"]["original"], _LOADER)  # noqa: S506
    if _outline(loaded) != _outline(wanted):
        return "its loaded routes and receivers are not those of alertmanager.yml"
    return None


def _outline(config: Mapping[str, Any]) -> tuple[object, ...]:
    """What Alertmanager gives back as it was written: names, kinds and the shape of the tree."""
    receivers = {
        receiver["name"]: sorted(key for key in receiver if key.endswith("_configs"))
        for receiver in config.get("receivers") or ()
    }
    return receivers, _tree(config.get("route") or {}), len(config.get("inhibit_rules") or ())


def _tree(route: Mapping[str, Any]) -> tuple[object, ...]:
    below = tuple(_tree(child) for child in route.get("routes") or ())
    return route.get("receiver"), bool(route.get("continue")), below


_CHECKS: Final[Mapping[str, Callable[[Ask, Mapping[str, Path]], str | None]]] = {
    "prometheus": _prometheus,
    "alertmanager": _alertmanager,
}
