"""The compose document: each service of the Stack with its hardening, as plain data."""

import hashlib
import json
from collections.abc import Iterator, Mapping

from obsctl.conventions import (
    DOCKER_HOST_NAME,
    LABEL_ACCESS,
    LABEL_EXCEPTION,
    LABEL_HOT,
    LABEL_PROJECT,
    LABEL_READY,
    LABEL_RELOAD,
    LABEL_SPEC_HASH,
    NETWORK,
    SECRETS_DIRECTORY,
)
from obsctl.stack.exceptions import exceptions
from obsctl.stack.model import Dependency, Healthcheck, Service, Stack

Definition = dict[str, object]


def compose_document(stack: Stack) -> Definition:
    """Everything in docker-compose.yml but the spec hashes; `$` is doubled as Compose wants."""
    label = {LABEL_PROJECT: stack.project}
    document: Definition = {
        "name": stack.project,
        "services": {
            service.name: _service(stack, service)
            for service in sorted(stack.services, key=lambda service: service.name)
        },
        "networks": {
            NETWORK: {"name": f"{stack.project}_{NETWORK}", "labels": label},
            **_networks_of_others(stack),
        },
        "volumes": {
            volume: {"name": f"{stack.project}_{volume}", "labels": label}
            for volume in stack.volumes
        },
        "secrets": {
            name: {"file": f"../{SECRETS_DIRECTORY}/{name}"} for name in sorted(stack.secrets)
        },
    }
    return {key: _escaped(value) for key, value in document.items() if value}


def _networks_of_others(stack: Stack) -> Definition:
    names = sorted({name for service in stack.services for name in service.networks})
    return {_network_key(name): {"name": name, "external": True} for name in names}


def _network_key(name: str) -> str:
    """The application's may have the name that is the key of the stack's own."""
    return f"{name}-of-application" if name == NETWORK else name


def add_spec_hashes(document: Mapping[str, object], files: Mapping[str, str]) -> None:
    """Label each service with the hash of its definition and the files that it starts with."""
    services = document.get("services")
    for name, definition in services.items() if isinstance(services, dict) else ():
        if isinstance(definition, dict):
            labels = definition.setdefault("labels", {})
            labels.pop(LABEL_SPEC_HASH, None)
            labels[LABEL_SPEC_HASH] = _spec_hash(name, definition, files)


def _spec_hash(name: str, definition: Definition, files: Mapping[str, str]) -> str:
    content = {
        path: hashlib.sha256(files[path].encode()).hexdigest()
        for source in _cold(definition)
        for path in sorted(files)
        if path.startswith(f"{source}/")
    }
    spec = json.dumps([name, definition, content], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(spec.encode()).hexdigest()


def _cold(definition: Definition) -> Iterator[str]:
    """Mounted directories of the rendered tree that are read at start only."""
    labels, mounts = definition.get("labels"), definition.get("volumes")
    hot = str(labels.get(LABEL_HOT, "")).split(",") if isinstance(labels, dict) else []
    for mount in mounts if isinstance(mounts, list) else []:
        source = str(mount.get("source", "")) if isinstance(mount, dict) else ""
        if source.startswith("./") and source[2:] not in hot:
            yield source[2:]


def _service(stack: Stack, service: Service) -> Definition:
    # In the order of the linters: what it is, what it works with, how it runs, what it may.
    definition: Definition = {
        "image": service.image,
        "depends_on": {one.service: _condition(one) for one in service.depends_on},
        "volumes": list(_mounts(service)),
        "secrets": list(_secrets(service)),
        "environment": dict(service.environment),
        "ports": list(_ports(service)),
        "networks": [NETWORK, *(_network_key(name) for name in service.networks)],
        "extra_hosts": [f"{DOCKER_HOST_NAME}:host-gateway"] if service.host_gateway else [],
        "command": list(service.command),
        "entrypoint": list(service.entrypoint),
        "restart": "no" if service.one_shot else "unless-stopped",
        "healthcheck": _healthcheck(service.healthcheck) if service.healthcheck else None,
        "logging": {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}},
        "labels": _labels(stack, service),
        "user": service.user,
        # Where a service asks for less than these, its labels and comments say why.
        "cap_drop": ["ALL"],
        "cpus": service.cpus,
        "init": True,
        "mem_limit": service.memory_bytes,
        "memswap_limit": service.memory_bytes,
        "pid": "host" if service.host_pid else None,
        "pids_limit": service.pids,
        "read_only": service.read_only,
        "security_opt": ["no-new-privileges:true"],
        "stop_grace_period": f"{service.stop_grace_s}s",
        "tmpfs": list(service.tmpfs),
    }
    return {key: value for key, value in definition.items() if value or value is False}


def _condition(dependency: Dependency) -> Definition:
    condition: Definition = {"condition": dependency.condition}
    return condition if dependency.required else {**condition, "required": False}


def _mounts(service: Service) -> Iterator[Definition]:
    """Long syntax: a source that is missing is an error, never a new empty directory."""
    for directory in service.directories:
        yield _bind(f"./{directory.source}", directory.target)
    for host in service.host_mounts:
        yield _bind(host.source, host.target)
    for mount in service.volumes:
        entry: Definition = {"type": "volume", "source": mount.volume, "target": mount.target}
        yield {**entry, "read_only": True} if mount.read_only else entry


def _secrets(service: Service) -> Iterator[object]:
    for name in service.secrets:
        target = service.secret_targets.get(name)
        yield {"source": name, "target": target} if target else name


def _bind(source: str, target: str) -> Definition:
    return {
        "type": "bind",
        "source": source,
        "target": target,
        "read_only": True,
        "bind": {"create_host_path": False},
    }


def _ports(service: Service) -> Iterator[Definition]:
    for port in sorted(service.ports, key=lambda port: port.host_port):
        yield {
            "target": port.container_port,
            "published": str(port.host_port),
            "host_ip": port.host_ip,
            "protocol": port.protocol,
            "mode": "host",
        }


def _healthcheck(check: Healthcheck) -> Definition:
    # No start_interval: Compose before 2.30 refuses it on an older Engine.
    return {
        "test": list(check.test),
        "interval": f"{check.interval_s}s",
        "timeout": f"{check.timeout_s}s",
        "retries": check.retries,
        "start_period": f"{check.start_period_s}s",
    }


def _labels(stack: Stack, service: Service) -> dict[str, str]:
    hot = ",".join(str(mount.source) for mount in service.directories if mount.hot)
    labels = {
        LABEL_PROJECT: stack.project,
        LABEL_RELOAD: service.reload,
        LABEL_HOT: hot,
        LABEL_READY: service.ready,
        LABEL_ACCESS: _access(service),
        **{f"{LABEL_EXCEPTION}{item}": why for item, why in exceptions(service).items()},
    }
    return {key: value for key, value in labels.items() if value}


def _access(service: Service) -> str | None:
    access = service.access
    return f"{access.scheme} {access.user} {access.secret}".rstrip() if access else None


def _escaped(value: object) -> object:
    """The same data with every `$` doubled, in a copy that is safe to change."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, Mapping):
        return {key: _escaped(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_escaped(entry) for entry in value]
    return value
