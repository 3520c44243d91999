"""Why a container is not what is desired, in words a person can check."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from obsctl.conventions import LABEL_SPEC_HASH
from obsctl.engine.desired.model import DesiredService
from obsctl.engine.desired.references import familiar
from obsctl.engine.planning.observe import Container

Json = Mapping[str, Any]
# A change from one value to another in words, after the name of what changed.
Words = Callable[[Any, Any], str]

_MADE_BY_PODMAN: Final = "container=podman"  # in the environment of each


def _size(value: object) -> str:
    number = int(str(value or 0))
    for unit, bytes_ in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if number >= bytes_ and number % bytes_ == 0:
            return f"{number // bytes_} {unit}"
    return f"{number} B" if number else "none"


def _cpus(value: object) -> str:
    return f"{int(str(value or 0)) / 10**9:g}"


def _ports(value: object) -> str:
    bindings = value.items() if isinstance(value, Mapping) else ()
    places = (
        f"{host.get('HostIp') or '*'}:{host.get('HostPort')}"
        for _, hosts in bindings
        for host in hosts or ()
    )
    return ", ".join(sorted(places)) or "none"


def _shown(show: Callable[[object], str] = str) -> Words:
    return lambda old, new: f"{show(old)} -> {show(new)}"


def _changed(_old: object, _new: object) -> str:
    return "changed"


def _flags_changed(old: object, new: object) -> str:
    """The flags by name; what they are given may be nobody's business."""
    given = [list(one) if isinstance(one, list | tuple) else [] for one in (old, new)]
    differing = [word for word in (*given[0], *given[1]) if not all(word in one for one in given)]
    names = dict.fromkeys(str(word).partition("=")[0] for word in differing)
    if not names or not all(name.startswith("-") for name in names):
        return "changed"
    return f"changed ({' '.join(names)})"


# Engine key -> name as the compose file has it, and the words for a change.
_CONFIG: Final[Mapping[str, tuple[str, Words]]] = {
    "User": ("user", _shown()),
    "Cmd": ("command", _flags_changed),
    "Entrypoint": ("entrypoint", _changed),
    "Healthcheck": ("healthcheck", _changed),
    "StopTimeout": ("stop_grace_period", _shown()),
}
_HOST: Final[Mapping[str, tuple[str, Words]]] = {
    "Memory": ("memory limit", _shown(_size)),
    "NanoCpus": ("cpus", _shown(_cpus)),
    "PidsLimit": ("pids limit", _shown()),
    "PortBindings": ("published ports", _shown(_ports)),
    "ReadonlyRootfs": ("read_only", _shown()),
}
# What Podman tells of in other terms than it was asked in.
_HOST_AS_ASKED: Final[Mapping[str, tuple[str, Words]]] = {
    "CapDrop": ("cap_drop", _changed),
    "Binds": ("volumes", _changed),
    "Mounts": ("mounts", _changed),
    "Tmpfs": ("tmpfs", _changed),
    "ExtraHosts": ("extra_hosts", _changed),
    "LogConfig": ("logging", _changed),
    "PidMode": ("pid", _shown()),
    "NetworkMode": ("network", _shown()),
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
    wanted, host = service.body["HostConfig"], found.get("HostConfig", {})
    present = set(found.get("Config", {}).get("Env") or ())
    yield from _compare(wanted, host, _HOST)
    if _MADE_BY_PODMAN not in present:
        yield from _compare(wanted, host, _HOST_AS_ASKED)
    # Names only: a value may be nobody's business.
    changed = [one.partition("=")[0] for one in service.body.get("Env", ()) if one not in present]
    if changed:
        yield f"environment {', '.join(changed)} changed"
    labels = found.get("Config", {}).get("Labels") or {}
    asked = service.body.get("Labels", {}).items()
    if named := [key for key, value in asked if _says(key) and labels.get(key) != value]:
        yield f"label {', '.join(named)} changed"


def _says(label: str) -> bool:
    """Whether it is more than bookkeeping, which is written anew with every change."""
    return label != LABEL_SPEC_HASH and not label.startswith("com.docker.compose.")


def _compare(wanted: Json, found: Json, table: Mapping[str, tuple[str, Words]]) -> Iterator[str]:
    for key, (name, words) in table.items():
        new, old = wanted.get(key), found.get(key)
        # What is not asked for is up to the image and the Engine.
        if new and new != old:
            yield f"{name} {words(old, new)}"


def exit_cause(container: Container) -> str:
    """How a container that does not run came to its end."""
    if container.oom_killed:
        limit = _size(container.inspected.get("HostConfig", {}).get("Memory"))
        return f"killed for lack of memory (its limit is {limit})"
    if container.state == "restarting":
        return f"crash-looping: exit code {container.exit_code}, {container.restarts} restarts"
    return f"exited with code {container.exit_code}"
