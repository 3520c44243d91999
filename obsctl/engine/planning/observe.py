"""What the Engine runs of a project right now; looked at once, never changed."""

import os.path
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from obsctl.conventions import (
    COMPOSE_CONFIG_HASH,
    COMPOSE_ONEOFF,
    COMPOSE_PROJECT,
    COMPOSE_SERVICE,
    LABEL_SPEC_HASH,
)
from obsctl.engine.client import Engine
from obsctl.engine.desired.model import LABEL_WORKING_DIRECTORY, Desired, HostPort

Json = dict[str, Any]
Platform = tuple[str, str]  # operating system, architecture
# What its compatible API calls otherwise than the Engine's own.
_PODMAN_STATES: Final = {"configured": "created", "initialized": "created", "stopped": "exited"}


@dataclass(frozen=True, slots=True)
class Container:
    """A container of the project; `state` and `health` are the Engine's own words."""

    id: str
    name: str
    service: str
    state: str  # created | running | paused | restarting | removing | exited | dead
    health: str = ""  # "" without a health check | starting | healthy | unhealthy
    exit_code: int = 0
    oom_killed: bool = False
    restarts: int = 0
    started_at: float = 0.0  # epoch seconds; 0 when it never was
    image: str = ""
    image_id: str = ""
    spec_hash: str = ""
    directory: str = ""  # of the compose file that it was made from, links resolved
    networks: tuple[str, ...] = ()
    ports: tuple[HostPort, ...] = ()
    grace_s: int = 10
    inspected: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def labels(self) -> Mapping[str, str]:
        return self.inspected.get("Config", {}).get("Labels") or {}

    @property
    def is_running(self) -> bool:
        return self.state == "running"

    @property
    def holds_ports(self) -> bool:
        """Frozen or between two attempts it has them as well."""
        return self.state in {"running", "paused", "restarting"}


@dataclass(frozen=True, slots=True)
class Foreign:
    """A container of somebody else."""

    name: str
    project: str
    ports: tuple[HostPort, ...]
    directory: str = ""  # of its compose file, if it has one; links resolved


@dataclass(frozen=True, slots=True)
class Resource:
    """A network or volume; `project` is empty when it has no such label."""

    name: str
    project: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Observed:
    containers: tuple[Container, ...] = ()
    foreign: tuple[Foreign, ...] = ()
    networks: tuple[Resource, ...] = ()
    volumes: tuple[Resource, ...] = ()
    images: Mapping[str, str] = field(default_factory=dict)
    """Image id by reference, of those that the desired services name and the Engine has."""
    platforms: Mapping[str, Platform] = field(default_factory=dict)
    """What those images are made for, by reference."""

    def network_names(self) -> frozenset[str]:
        return frozenset(network.name for network in self.networks)

    def volume_names(self) -> frozenset[str]:
        return frozenset(volume.name for volume in self.volumes)


def observe(engine: Engine, project: str, desired: Desired | None = None) -> Observed:
    """Look at everything of `project`, and at the images that `desired` names."""
    listed = engine.containers()
    ours = [one for one in listed if _label(one, COMPOSE_PROJECT) == project]
    kept = [one for one in ours if _label(one, COMPOSE_ONEOFF).lower() != "true"]
    inspected = (engine.container(one["Id"]) for one in kept)
    references = {service.image for service in desired.services.values()} if desired else set()
    images = {reference: engine.image(reference) for reference in sorted(references)}
    return Observed(
        tuple(sorted((_container(one) for one in inspected if one), key=lambda one: one.name)),
        tuple(_foreign(one) for one in listed if one not in ours),
        tuple(_resource(one) for one in engine.networks()),
        tuple(_resource(one) for one in engine.volumes()),
        {reference: str(image["Id"]) for reference, image in images.items() if image},
        {reference: platform_of(image) for reference, image in images.items() if image},
    )


def platform_of(image: Json) -> Platform:
    """Empty words where the Engine does not say."""
    return str(image.get("Os", "")), str(image.get("Architecture", ""))


def inspect_container(engine: Engine, name: str) -> Container | None:
    """One container as it is now."""
    found = engine.container(name)
    return _container(found) if found else None


def epoch_seconds(text: str) -> float:
    """The Engine's time stamps; 0 for the year 1, its way to say never."""
    if not text or text.startswith("0001-"):
        return 0.0
    return datetime.fromisoformat(text).timestamp()


def _container(found: Json) -> Container:
    state, config, labels = found["State"], found["Config"], found["Config"].get("Labels") or {}
    bindings = found["HostConfig"].get("PortBindings") or {}
    return Container(
        id=found["Id"],
        name=found["Name"].lstrip("/"),
        service=labels.get(COMPOSE_SERVICE, ""),
        state=_PODMAN_STATES.get(state["Status"], state["Status"]),
        health=(state.get("Health") or {}).get("Status", "").replace("none", ""),
        exit_code=int(state.get("ExitCode", 0)),
        oom_killed=bool(state.get("OOMKilled")),
        restarts=int(found.get("RestartCount", 0)),
        started_at=epoch_seconds(state.get("StartedAt", "")),
        image=config.get("Image", ""),
        image_id=found.get("Image", ""),
        spec_hash=labels.get(LABEL_SPEC_HASH) or labels.get(COMPOSE_CONFIG_HASH, ""),
        directory=_directory(labels.get(LABEL_WORKING_DIRECTORY, "")),
        networks=tuple(sorted(found["NetworkSettings"].get("Networks") or ())),
        ports=tuple(_bound_ports(bindings)),
        grace_s=int(config.get("StopTimeout") or 10),
        inspected=found,
    )


def _directory(named: str) -> str:
    return os.path.realpath(named) if named else ""


def _bound_ports(bindings: Mapping[str, list[Mapping[str, str]] | None]) -> Iterable[HostPort]:
    for port, hosts in bindings.items():
        for host in hosts or ():
            if host.get("HostPort", "").isdigit():
                protocol = port.partition("/")[2] or "tcp"
                host_ip = host.get("HostIp") or "0.0.0.0"  # noqa: S104 - the Engine's default
                yield HostPort(host_ip, int(host["HostPort"]), protocol)


def _foreign(one: Json) -> Foreign:
    ports = tuple(
        HostPort(port.get("IP", ""), port["PublicPort"], port.get("Type", "tcp"))
        for port in one.get("Ports") or ()
        if port.get("PublicPort")
    )
    names = one.get("Names") or [one["Id"][:12]]
    directory = _directory(_label(one, LABEL_WORKING_DIRECTORY))
    return Foreign(names[0].lstrip("/"), _label(one, COMPOSE_PROJECT), ports, directory)


def _resource(one: Json) -> Resource:
    return Resource(one["Name"], _label(one, COMPOSE_PROJECT), one.get("Id", ""))


def _label(one: Json, name: str) -> str:
    return str((one.get("Labels") or {}).get(name, ""))
