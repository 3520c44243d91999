"""The services of a project as they are: what `obsctl status` shows."""

import time
from dataclasses import asdict, dataclass
from typing import Any, Final

from obsctl.engine.client import Engine
from obsctl.engine.desired.model import Desired, HostPort
from obsctl.engine.planning.causes import exit_cause
from obsctl.engine.planning.observe import Container, observe

_MINUTE_S: Final = 60
_HOUR_S: Final = 3600
_DAY_S: Final = 86400


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """`since_s` is the age of the state in seconds; None where nothing ever ran."""

    service: str
    container: str
    state: str
    health: str
    since_s: float | None
    ports: tuple[str, ...]
    image: str
    ok: bool

    def row(self) -> tuple[str, ...]:
        since = "-" if self.since_s is None else age(self.since_s)
        ports = ", ".join(self.ports) or "-"
        return (self.service, self.state, self.health or "-", since, ports, self.image)

    def as_data(self) -> dict[str, Any]:
        return asdict(self)


COLUMNS: Final = ("SERVICE", "STATE", "HEALTH", "SINCE", "PORTS", "IMAGE")


def service_statuses(engine: Engine, project: str, desired: Desired | None) -> list[ServiceStatus]:
    """Every container of the project, and every desired service that has none."""
    containers = observe(engine, project).containers
    present = {container.service for container in containers}
    services = desired.services if desired else {}
    one_shots = {name for name, service in services.items() if service.one_shot}
    found = [_status(one, one_shot=one.service in one_shots) for one in containers]
    missing = [
        ServiceStatus(name, service.container, "missing", "", None, (), service.image, ok=False)
        for name, service in services.items()
        if name not in present
    ]
    return sorted([*found, *missing], key=lambda one: (one.service, one.container))


def _status(container: Container, *, one_shot: bool) -> ServiceStatus:
    completed = one_shot and container.state == "exited" and container.exit_code == 0
    state = container.state
    if completed:
        state = "completed"
    elif state in {"exited", "restarting"}:
        state = exit_cause(container)
    return ServiceStatus(
        container.service,
        container.name,
        state,
        container.health,
        _since(container),
        tuple(_shown(port) for port in container.ports),
        container.image,
        ok=completed or (container.is_running and container.health in {"", "healthy", "starting"}),
    )


def _since(container: Container) -> float | None:
    return max(0.0, time.time() - container.started_at) if container.started_at else None


def _shown(port: HostPort) -> str:
    host = f"[{port.host_ip}]" if ":" in port.host_ip else port.host_ip
    return f"{host}:{port.port}" + ("" if port.protocol == "tcp" else f"/{port.protocol}")


def age(seconds: float) -> str:
    """`42s`, `3m 5s`, `2h 7m`, `5d 3h`."""
    whole = int(seconds)
    if whole < _MINUTE_S:
        return f"{whole}s"
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S}m {whole % _MINUTE_S}s"
    if whole < _DAY_S:
        return f"{whole // _HOUR_S}h {whole % _HOUR_S // _MINUTE_S}m"
    return f"{whole // _DAY_S}d {whole % _DAY_S // _HOUR_S}h"
