"""What a container may, item by item of the CIS Docker Benchmark, from its inspection; pure."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from obsctl.health.audit import exposure

Inspected = Mapping[str, Any]
Breach = Callable[[Inspected], str]

NOT_HERE: Final = "the Engine's host has neither AppArmor nor SELinux"
_ENDLESS: Final = frozenset({"unless-stopped", "on-failure"})
_TAGGED: Final = re.compile(r":[^/:@]+$")
# What an Engine gives a container that neither adds nor drops any; Podman spells out ALL by these.
_DEFAULT_CAPABILITIES: Final = frozenset(
    {
        "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD",
        "NET_BIND_SERVICE", "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
    }
)  # fmt: skip
_PODMAN_RUNTIME: Final = "oci"  # its compatible API says so of every container
_PODMAN: Final = "Podman's compatible API"


@dataclass(frozen=True, slots=True)
class Item:
    """One claim about every container; `breach` tells what was seen against it, or "".

    `name` is the end of the label with the reason of an exception; `cis` is the item's number in
    the benchmark (1.6), or "own" where it has none.
    """

    cis: str
    name: str
    code: str
    claim: str
    breach: Breach


def _host(found: Inspected, key: str) -> Any:  # noqa: ANN401 - JSON of the Engine
    return found["HostConfig"].get(key)


def _options(found: Inspected) -> list[str]:
    # The Engine takes `=` and `:` between an option and its value.
    return [str(one).replace(":", "=", 1) for one in _host(found, "SecurityOpt") or ()]


def _privileged(found: Inspected) -> str:
    return "Privileged is true" if _host(found, "Privileged") else ""


def _root(found: Inspected) -> str:
    user = str(found["Config"].get("User") or "")
    name = user.partition(":")[0]
    return f"User is `{user}`" if name in ("", "root") or name.strip("0") == "" else ""


def _capabilities(found: Inspected) -> str:
    dropped = {str(one).upper().removeprefix("CAP_") for one in _host(found, "CapDrop") or ()}
    added = [str(one) for one in _host(found, "CapAdd") or ()]
    told = [f"CapAdd has {', '.join(added)}"] if added else []
    has_none = "ALL" in dropped or dropped >= _DEFAULT_CAPABILITIES
    return "; ".join(told if has_none else [*told, "CapDrop has no ALL"])


def _may_gain(found: Inspected) -> str:
    held = {"no-new-privileges", "no-new-privileges=true"} & set(_options(found))
    return "" if held else "SecurityOpt has no no-new-privileges"


def _no_seccomp(found: Inspected) -> str:
    return ", ".join(one for one in _options(found) if one == "seccomp=unconfined")


def _no_profile(found: Inspected) -> str:
    seen = {"apparmor=unconfined", "label=disable"} & set(_options(found))
    # The Engine itself adds the second to these, which are named as what they are.
    if _host(found, "Privileged") or "host" in (_host(found, "PidMode"), _host(found, "IpcMode")):
        seen.discard("label=disable")
    if found.get("AppArmorProfile") == "unconfined":
        seen.add("AppArmorProfile is unconfined")
    return ", ".join(sorted(seen))


def _writable(found: Inspected) -> str:
    return "" if _host(found, "ReadonlyRootfs") else "ReadonlyRootfs is false"


def _shares(key: str) -> Breach:
    def breach(found: Inspected) -> str:
        return f"{key} is host" if _host(found, key) == "host" else ""

    return breach


def _unlimited(*keys: str) -> Breach:
    def breach(found: Inspected) -> str:
        limits = [int(_host(found, key) or 0) for key in keys]
        return "" if any(limit > 0 for limit in limits) else f"no {' or '.join(keys)}"

    return breach


def _devices(found: Inspected) -> str:
    paths = [str(one.get("PathOnHost")) for one in _host(found, "Devices") or ()]
    return f"has {', '.join(paths)}" if paths else ""


def _control_group(found: Inspected) -> str:
    parent = _host(found, "CgroupParent")
    return f"CgroupParent is {parent}" if parent else ""


def _default_bridge(found: Inspected) -> str:
    networks = found["NetworkSettings"].get("Networks") or {}
    return "is on Docker's default bridge" if "bridge" in networks else ""


def _not_restarted(found: Inspected) -> str:
    policy = (_host(found, "RestartPolicy") or {}).get("Name") or "no"
    return "" if policy in _ENDLESS else f"RestartPolicy is `{policy}`"


def _unwatched(found: Inspected) -> str:
    test = (found["Config"].get("Healthcheck") or {}).get("Test") or ["NONE"]
    status = (found["State"].get("Health") or {}).get("Status", "none")
    return "has no health check" if test == ["NONE"] and status in ("", "none") else ""


def _image(found: Inspected) -> str:
    image = str(found["Config"].get("Image"))
    if "@sha256:" in image or image.startswith("sha256:"):
        return ""
    tagged = _TAGGED.search(image)
    return "" if tagged and tagged[0] != ":latest" else f"Image is `{image}`"


def _log_size(found: Inspected) -> str:
    config = _host(found, "LogConfig") or {}
    options = config.get("Config") or {}
    missing = [one for one in ("max-size", "max-file") if not options.get(one)]
    if config.get("Type") != "json-file":
        return f"LogConfig is of `{config.get('Type')}`"
    return f"LogConfig has no {', '.join(missing)}" if missing else ""


# The worst first: what gives the host away, then what helps a break-in, then what keeps order.
ITEMS: Final = (
    Item("5.5", "privileged", "container-privileged", "is not privileged", _privileged),
    Item("5.32", "engine-socket", "engine-socket", "does not reach the Engine's socket",
         exposure.engine_socket),
    Item("5.6", "host-writes", "host-writes", "cannot write where the host keeps itself",
         exposure.host_writes),
    Item("own", "environment", "secret-in-environment", "has no secret in its environment",
         exposure.environment),
    Item("5.14", "all-addresses", "port-open-to-all", "publishes no port on all addresses",
         exposure.all_addresses),
    Item("5.4", "capabilities", "container-capabilities", "has no capability", _capabilities),
    Item("4.1", "root-user", "container-root", "does not run as root", _root),
    Item("5.26", "new-privileges", "container-new-privileges", "can gain no privileges",
         _may_gain),
    Item("5.22", "seccomp", "container-unconfined", "is confined by seccomp",
         _no_seccomp),
    Item("5.2", "apparmor", "container-unconfined", "is confined by AppArmor or SELinux",
         _no_profile),
    Item("5.10", "host-network", "host-namespace", "has a network of its own",
         _shares("NetworkMode")),
    Item("5.16", "host-pid", "host-namespace", "has processes of its own", _shares("PidMode")),
    Item("5.17", "host-ipc", "host-namespace", "has shared memory of its own", _shares("IpcMode")),
    Item("5.21", "host-uts", "host-namespace", "has a host name of its own", _shares("UTSMode")),
    Item("5.31", "host-users", "host-namespace", "has user ids as the Engine sets them",
         _shares("UsernsMode")),
    Item("5.18", "devices", "container-devices", "has no device of the host", _devices),
    Item("5.6", "host-mounts", "host-mounts", "sees none of the host's own files",
         exposure.host_mounts),
    Item("5.13", "writable-root", "container-writable", "has a read-only root", _writable),
    Item("5.20", "propagation", "mount-propagation", "passes no mounts on to the host",
         exposure.propagation),
    Item("5.25", "control-group", "container-control-group", "is in the Engine's control group",
         _control_group),
    Item("5.30", "default-bridge", "container-default-bridge", "is off the default bridge",
         _default_bridge),
    Item("5.8", "low-port", "port-privileged", "publishes no port below 1024", exposure.low_ports),
    Item("5.11", "memory", "container-unlimited", "has a limit of memory", _unlimited("Memory")),
    Item("5.12", "cpu", "container-unlimited", "has a limit or share of CPU",
         _unlimited("NanoCpus", "CpuShares", "CpuQuota")),
    Item("5.29", "pids", "container-unlimited", "has a limit of processes",
         _unlimited("PidsLimit")),
    Item("5.15", "restart", "container-restart-policy", "is started again when it fails",
         _not_restarted),
    Item("5.27", "health-check", "container-unwatched", "has a health check", _unwatched),
    Item("5.28", "image", "image-not-pinned", "has an image of one version", _image),
    Item("own", "log-size", "container-log-size", "has a log that is rotated", _log_size),
)  # fmt: skip


def applies(item: Item, found: Inspected) -> bool:
    """False for what the Engine's host does not offer."""
    has_profile = bool(found.get("AppArmorProfile")) or bool(found.get("ProcessLabel"))
    return item.name != "apparmor" or has_profile or bool(item.breach(found))


def not_told(item: Item, found: Inspected) -> str:
    """Why what was seen against `item` proves nothing, as the API tells too little; else ""."""
    if _host(found, "Runtime") != _PODMAN_RUNTIME:
        return ""
    if item.name == "capabilities" and _host(found, "CapDrop") and not _host(found, "CapAdd"):
        return f"{_PODMAN} tells what was dropped of its default capabilities, not what is left"
    if item.name == "log-size" and not (_host(found, "LogConfig") or {}).get("Config"):
        return f"{_PODMAN} does not tell how large a log may grow"
    return ""


def secrets_in_words(found: Inspected, values: Mapping[str, str]) -> Iterator[str]:
    """Where a known value (secret's name -> value) stands for all to read; never the value."""
    places: Mapping[str, Iterable[object]] = {
        "Env": found["Config"].get("Env") or (),
        "Cmd": (*(found["Config"].get("Cmd") or ()), *(found["Config"].get("Entrypoint") or ())),
        "Args": (found.get("Path", ""), *(found.get("Args") or ())),
        "Labels": (found["Config"].get("Labels") or {}).values(),
    }
    for place, words in places.items():
        text = "\n".join(map(str, words))
        yield from (f"secrets/{name} in {place}" for name, value in values.items() if value in text)
