"""What the rendered compose file asks for, as the Engine API takes it."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from obsctl import __version__
from obsctl.conventions import (
    COMPOSE_CONFIG_HASH,
    COMPOSE_FILE,
    COMPOSE_NETWORK,
    COMPOSE_NUMBER,
    COMPOSE_ONEOFF,
    COMPOSE_PROJECT,
    COMPOSE_SERVICE,
    COMPOSE_VOLUME,
    LABEL_HOT,
    LABEL_READY,
    LABEL_RELOAD,
    LABEL_SPEC_HASH,
)
from obsctl.engine.desired.coming import Coming
from obsctl.engine.desired.compose import ComposeFile, Definition, read_compose
from obsctl.engine.desired.container_body import container_body, network_names
from obsctl.engine.desired.hot_files import read_hot_files
from obsctl.engine.desired.model import (
    COMPLETED,
    LABEL_CONFIG_FILES,
    LABEL_DEPENDS_ON,
    LABEL_VERSION,
    LABEL_WORKING_DIRECTORY,
    STARTED,
    Dependency,
    Desired,
    DesiredNetwork,
    DesiredService,
    DesiredVolume,
    HostPort,
)
from obsctl.engine.desired.mounts import check_forms, sources, volume_name, volume_names
from obsctl.errors import Problem, RenderError

Json = dict[str, Any]


def load_desired(compose_file: Path, project: str, coming: Coming = Coming()) -> Desired:  # noqa: B008 - it is frozen
    """Read docker-compose.yml; RenderError with every part that obsctl cannot carry out.

    `project` is the name that the file must have, or "" for any. What is `coming` counts as
    if it were on disk.
    """
    file = read_compose(compose_file, coming.texts.get(COMPOSE_FILE))
    if project and file.project != project:
        raise RenderError(
            Problem(
                f"`{compose_file}` is of project `{file.project}`, not `{project}`",
                hint="run `obsctl render`",
            )
        )
    for key in file.services:
        check_forms(file, key)
        _check_references(file, key)
    _check_circles(file)
    file.raise_any()
    services = {key: _service(file, key, coming) for key in file.services}
    file.raise_any()
    used = {name for service in services.values() for name in service.networks}
    networks = (_network(file, key) for key in {"default": None, **file.networks})
    volumes = [_volume(file, key) for key in file.volumes]
    return Desired(
        file.project,
        file.path,
        services,
        {network.name: network for network in networks if network.name in used},
        {volume.name: volume for volume in volumes},
        coming.places(file.directory),
    )


def _check_references(file: ComposeFile, key: str) -> None:
    """Note names of services, networks and volumes that the file does not define."""
    service = file.services[key]
    volumes = [one.get("source") for one in service.get("volumes") or () if _is_volume(one)]
    named = (
        ("depends_on", service.get("depends_on") or (), file.services),
        ("networks", service.get("networks") or (), {"default": None, **file.networks}),
        ("volumes", volumes, file.volumes),
    )
    for where, names, known in named:
        for name in names:
            if name not in known:
                noun = {"depends_on": "service", "networks": "network", "volumes": "volume"}[where]
                file.add(("services", key, where), f"service `{key}` names no {noun}: `{name}`")
    given = service.get("networks")
    if isinstance(given, dict) and any(given.values()):
        file.add(("services", key, "networks"), "obsctl does not support options of networks here")
    if not service.get("image"):
        file.add(("services", key), f"service `{key}` has no `image`")


def _check_circles(file: ComposeFile) -> None:
    """Note services that wait for themselves, by way of others or not."""
    waits = {key: set(service.get("depends_on") or ()) for key, service in file.services.items()}
    free = {key for key, names in waits.items() if not names & waits.keys()}
    while fresh := {key for key, names in waits.items() if names & waits.keys() <= free} - free:
        free |= fresh
    if circle := sorted(waits.keys() - free):
        path = ("services", circle[0], "depends_on")
        file.add(path, f"services depend on each other in a circle: {', '.join(circle)}")


def _is_volume(entry: object) -> bool:
    return isinstance(entry, dict) and entry.get("type") == "volume" and "source" in entry


def _service(file: ComposeFile, key: str, coming: Coming) -> DesiredService:
    service: Definition = file.services[key]
    own = _labels_of(service)
    spec_hash = own.get(LABEL_SPEC_HASH) or _hash(service)
    directories = [name for name in own.get(LABEL_HOT, "").split(",") if name]
    return DesiredService(
        name=key,
        container=str(service.get("container_name") or f"{file.project}-{key}-1"),
        image=str(service["image"]),
        spec_hash=spec_hash,
        body=container_body(file, key, own | _compose_labels(file, key, spec_hash)),
        networks=tuple(network_names(file, key)),
        volumes=tuple(volume_names(file, key)),
        depends_on=tuple(_dependencies(service)),
        ports=tuple(_host_ports(service)),
        sources=tuple(sources(file, key)),
        hot=read_hot_files(file.directory, directories).after(coming, directories),
        reload=own.get(LABEL_RELOAD),
        ready=own.get(LABEL_READY),
        one_shot=_is_one_shot(file, key),
    )


def _labels_of(definition: Mapping[str, Any]) -> dict[str, str]:
    labels = definition.get("labels") or {}
    if isinstance(labels, list):
        labels = dict(str(label).partition("=")[::2] for label in labels)
    return {str(name): "" if value is None else str(value) for name, value in labels.items()}


def _compose_labels(file: ComposeFile, key: str, spec_hash: str) -> dict[str, str]:
    """Without these docker compose would not see the container as one of its own."""
    dependencies = _dependencies(file.services[key])
    return {
        COMPOSE_PROJECT: file.project,
        COMPOSE_SERVICE: key,
        COMPOSE_NUMBER: "1",
        COMPOSE_ONEOFF: "False",
        COMPOSE_CONFIG_HASH: spec_hash,
        LABEL_WORKING_DIRECTORY: str(file.directory),
        LABEL_CONFIG_FILES: str(file.path),
        LABEL_VERSION: f"obsctl-{__version__}",
        LABEL_DEPENDS_ON: ",".join(f"{one.service}:{one.condition}:false" for one in dependencies),
    }


def _dependencies(service: Definition) -> Iterator[Dependency]:
    given = service.get("depends_on") or {}
    for name in sorted(given):
        options = (given[name] if isinstance(given, dict) else None) or {}
        required = bool(options.get("required", True))
        yield Dependency(name, options.get("condition", STARTED), required)


def _host_ports(service: Definition) -> Iterator[HostPort]:
    for port in service.get("ports") or ():
        if str(port.get("published", "")).isdigit():
            host_ip = str(port.get("host_ip", "")) or "0.0.0.0"  # noqa: S104 - compose's default
            yield HostPort(host_ip, int(port["published"]), port.get("protocol", "tcp"))


def _is_one_shot(file: ComposeFile, key: str) -> bool:
    """It ends by itself: others wait for that, or it says that it is not to be restarted."""
    if str(file.services[key].get("restart", "")) == "no":
        return True
    waits = (one for other in file.services.values() for one in _dependencies(other))
    return any((one.service, one.condition) == (key, COMPLETED) for one in waits)


def _hash(service: Definition) -> str:
    """For compose files that obsctl did not render."""
    return hashlib.sha256(json.dumps(service, sort_keys=True).encode()).hexdigest()


def _network(file: ComposeFile, key: str) -> DesiredNetwork:
    definition = file.networks.get(key) or {}
    external = bool(definition.get("external"))
    name = str(definition.get("name") or (key if external else f"{file.project}_{key}"))
    own = {COMPOSE_PROJECT: file.project, COMPOSE_NETWORK: key, LABEL_VERSION: __version__}
    body: Json = {
        "Driver": definition.get("driver") or "bridge",
        "Options": dict(definition.get("driver_opts") or {}),
        "Internal": bool(definition.get("internal")),
        "Attachable": bool(definition.get("attachable")),
        "EnableIPv6": bool(definition.get("enable_ipv6")),
        "CheckDuplicate": True,
        "Labels": _labels_of(definition) | own,
    }
    if ipam := definition.get("ipam"):
        ranges = [{"Subnet": one.get("subnet", "")} for one in ipam.get("config") or ()]
        body["IPAM"] = {"Driver": ipam.get("driver", "default"), "Config": ranges}
    return DesiredNetwork(name, body, external)


def _volume(file: ComposeFile, key: str) -> DesiredVolume:
    definition = file.volumes.get(key) or {}
    own = {COMPOSE_PROJECT: file.project, COMPOSE_VOLUME: key, LABEL_VERSION: __version__}
    body: Json = {
        "Driver": definition.get("driver") or "local",
        "DriverOpts": dict(definition.get("driver_opts") or {}),
        "Labels": _labels_of(definition) | own,
    }
    return DesiredVolume(volume_name(file, key), body, bool(definition.get("external")))
