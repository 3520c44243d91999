"""Why a container is not what is desired, in words a person can check."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from obsctl.engine.model import DesiredService
from obsctl.engine.observe import Container
from obsctl.engine.references import familiar

Json = Mapping[str, Any]


def _size(value: object) -> str:
    number = int(str(value or 0))
    for unit, bytes_ in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if number >= bytes_ and number % bytes_ == 0:
            return f"{number // bytes_} {unit}"
    return f"{number} B" if number else "none"


def _cpus(value: object) -> str:
    return f"{int(str(value or 0)) / 10**9:g}"


# Engine key -> name as the compose file has it, and how a value is shown (None: not at all).
_CONFIG: Final[Mapping[str, tuple[str, Callable[[object], str] | None]]] = {
    "User": ("user", str),
    "Cmd": ("command", None),
    "Entrypoint": ("entrypoint", None),
    "Healthcheck": ("healthcheck", None),
    "StopTimeout": ("stop_grace_period", str),
}
_HOST: Final[Mapping[str, tuple[str, Callable[[object], str] | None]]] = {
    "Memory": ("memory limit", _size),
    "NanoCpus": ("cpus", _cpus),
    "PidsLimit": ("pids limit", str),
    "PortBindings": ("published ports", None),
    "ReadonlyRootfs": ("read_only", str),
    "CapDrop": ("cap_drop", None),
    "Binds": ("volumes", None),
    "Mounts": ("mounts", None),
    "Tmpfs": ("tmpfs", None),
    "ExtraHosts": ("extra_hosts", None),
    "LogConfig": ("logging", None),
    "PidMode": ("pid", str),
    "NetworkMode": ("network", str),
}


def definition_cause(service: DesiredService, container: Container) -> str:
    """What changed between the definition that made the container and the one desired now."""
    if familiar(container.image) != familiar(service.image):
        return f"image {container.image} -> {service.image}"
    changes = list(_changes(service, container))
    return ", ".join(changes) if changes else "its configuration changed"


def _changes(service: DesiredService, container: Container) -> Iterator[str]:
    found = container.inspected
    if not found:
        return
    yield from _compare(service.body, found.get("Config", {}), _CONFIG)
    yield from _compare(service.body["HostConfig"], found.get("HostConfig", {}), _HOST)
    present = set(found.get("Config", {}).get("Env") or ())
    # Names only: a value may be nobody's business.
    changed = [one.partition("=")[0] for one in service.body.get("Env", ()) if one not in present]
    if changed:
        yield f"environment {', '.join(changed)} changed"


def _compare(
    wanted: Json, found: Json, table: Mapping[str, tuple[str, Callable[[object], str] | None]]
) -> Iterator[str]:
    for key, (name, show) in table.items():
        new, old = wanted.get(key), found.get(key)
        # What is not asked for is up to the image and the Engine.
        if not new or new == old:
            continue
        yield f"{name} {show(old)} -> {show(new)}" if show else f"{name} changed"


def exit_cause(container: Container) -> str:
    """How a container that does not run came to its end."""
    if container.oom_killed:
        limit = _size(container.inspected.get("HostConfig", {}).get("Memory"))
        return f"killed for lack of memory (its limit is {limit})"
    if container.state == "restarting":
        return f"crash-looping: exit code {container.exit_code}, {container.restarts} restarts"
    return f"exited with code {container.exit_code}"
