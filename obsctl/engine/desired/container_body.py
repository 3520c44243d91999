"""A compose service as the Engine's create body, the way docker compose makes it."""

import shlex
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from obsctl.engine.desired.compose import ComposeFile, Definition
from obsctl.engine.desired.mounts import bind_entries, mount_entries
from obsctl.engine.desired.quantities import SECOND_NS, nanoseconds, size_bytes

Json = dict[str, Any]
Convert = Callable[[Any], Any]


def _words(value: Any) -> list[str]:  # noqa: ANN401 - any YAML value
    """A list as it is; one line as a shell would split it."""
    return shlex.split(value) if isinstance(value, str) else [str(part) for part in value]


def _environment(value: Any) -> list[str]:  # noqa: ANN401 - any YAML value
    pairs = value.items() if isinstance(value, dict) else (str(one).split("=", 1) for one in value)
    return sorted("=".join("" if part is None else str(part) for part in pair) for pair in pairs)


def _healthcheck(value: Mapping[str, Any]) -> Json:
    if value.get("disable"):
        return {"Test": ["NONE"]}
    test = value["test"]
    body: Json = {"Test": ["CMD-SHELL", test] if isinstance(test, str) else list(test)}
    for key, name in _HEALTH_TIMES.items():
        if key in value:
            body[name] = nanoseconds(value[key])
    if "retries" in value:
        body["Retries"] = int(value["retries"])
    return body


_HEALTH_TIMES: Final = {
    "interval": "Interval",
    "timeout": "Timeout",
    "start_period": "StartPeriod",
    "start_interval": "StartInterval",
}


def _ulimits(value: Mapping[str, Any]) -> list[Json]:
    limits = {
        name: limit if isinstance(limit, dict) else {"soft": limit, "hard": limit}
        for name, limit in value.items()
    }
    return [
        {"Name": name, "Soft": int(limit["soft"]), "Hard": int(limit["hard"])}
        for name, limit in sorted(limits.items())
    ]


def _extra_hosts(value: Any) -> list[str]:  # noqa: ANN401 - any YAML value
    if isinstance(value, dict):
        return [f"{host}:{address}" for host, address in value.items()]
    return [str(entry).replace("=", ":", 1) for entry in value]


def _restart(value: Any) -> Json:  # noqa: ANN401 - any YAML value
    name, _, retries = str(value).partition(":")
    return {"Name": name, "MaximumRetryCount": int(retries or 0)}


def _logging(value: Mapping[str, Any]) -> Json:
    options = {key: str(option) for key, option in (value.get("options") or {}).items()}
    return {"Type": value.get("driver", ""), "Config": options}


def _tmpfs(value: Any) -> dict[str, str]:  # noqa: ANN401 - any YAML value
    entries = [value] if isinstance(value, str) else value
    return dict(entry.partition(":")[::2] for entry in entries)


# Compose key -> Engine key and how the value is converted.
_CONFIG: Final[Mapping[str, tuple[str, Convert]]] = {
    "image": ("Image", str),
    "user": ("User", str),
    "hostname": ("Hostname", str),
    "domainname": ("Domainname", str),
    "working_dir": ("WorkingDir", str),
    "stop_signal": ("StopSignal", str),
    "stop_grace_period": ("StopTimeout", lambda value: nanoseconds(value) // SECOND_NS),
    "tty": ("Tty", bool),
    "stdin_open": ("OpenStdin", bool),
    "command": ("Cmd", _words),
    "entrypoint": ("Entrypoint", _words),
    "environment": ("Env", _environment),
    "healthcheck": ("Healthcheck", _healthcheck),
}
_HOST: Final[Mapping[str, tuple[str, Convert]]] = {
    "restart": ("RestartPolicy", _restart),
    "read_only": ("ReadonlyRootfs", bool),
    "privileged": ("Privileged", bool),
    "cap_add": ("CapAdd", list),
    "cap_drop": ("CapDrop", list),
    "security_opt": ("SecurityOpt", list),
    "group_add": ("GroupAdd", lambda value: [str(group) for group in value]),
    "init": ("Init", bool),
    "pid": ("PidMode", str),
    "ipc": ("IpcMode", str),
    "uts": ("UTSMode", str),
    "userns_mode": ("UsernsMode", str),
    "cgroup_parent": ("CgroupParent", str),
    "runtime": ("Runtime", str),
    "mem_limit": ("Memory", size_bytes),
    "memswap_limit": ("MemorySwap", lambda value: -1 if value == -1 else size_bytes(value)),
    "mem_reservation": ("MemoryReservation", size_bytes),
    "mem_swappiness": ("MemorySwappiness", int),
    "shm_size": ("ShmSize", size_bytes),
    "cpus": ("NanoCpus", lambda value: int(float(value) * SECOND_NS)),
    "cpu_shares": ("CpuShares", int),
    "cpuset": ("CpusetCpus", str),
    "pids_limit": ("PidsLimit", int),
    "oom_score_adj": ("OomScoreAdj", int),
    "ulimits": ("Ulimits", _ulimits),
    "sysctls": ("Sysctls", lambda value: {key: str(one) for key, one in value.items()}),
    "extra_hosts": ("ExtraHosts", _extra_hosts),
    "dns": ("Dns", _words),
    "dns_search": ("DnsSearch", _words),
    "dns_opt": ("DnsOptions", list),
    "logging": ("LogConfig", _logging),
    "tmpfs": ("Tmpfs", _tmpfs),
}
# Read by desired.py and mounts.py.
_ELSEWHERE: Final = frozenset(
    {"container_name", "depends_on", "expose", "labels", "network_mode", "networks", "ports"}
    | {"secrets", "volumes"}
)


def container_body(file: ComposeFile, key: str, labels: Mapping[str, str]) -> Json:
    """The create body without its networks; what cannot be carried over is noted in `file`."""
    service: Definition = file.services[key]
    for name in service.keys() - _CONFIG.keys() - _HOST.keys() - _ELSEWHERE:
        if not str(name).startswith("x-"):
            file.add(
                ("services", key, name),
                f"obsctl does not support `{name}` of a compose service",
                "if it comes from `patches`, take it out there",
            )
    # Compose gives an empty list, which the Engine keeps apart from none.
    host = {"RestartPolicy": {"Name": "no"}, "ExtraHosts": [], **_converted(file, key, _HOST)}
    host |= {"PortBindings": _port_bindings(service), "NetworkMode": _network_mode(file, key)}
    if binds := list(bind_entries(file, key)):
        host["Binds"] = binds
    if mounts := list(mount_entries(file, key)):
        host["Mounts"] = mounts
    config = {"AttachStdout": True, "AttachStderr": True, **_converted(file, key, _CONFIG)}
    exposed: Json = {port: {} for port in _exposed(service)}
    return {**config, "ExposedPorts": exposed, "Labels": dict(labels), "HostConfig": host}


def _converted(file: ComposeFile, key: str, table: Mapping[str, tuple[str, Convert]]) -> Json:
    body: Json = {}
    for name, value in file.services[key].items():
        if name not in table or value is None:
            continue
        target, convert = table[name]
        try:
            body[target] = convert(value)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            reason = str(error) if isinstance(error, ValueError) else "it has a form of its own"
            file.add(("services", key, name), f"`{name}` of service `{key}`: {reason}")
    return body


def network_names(file: ComposeFile, key: str) -> list[str]:
    """The networks of a service by their real names; the project's default one if it names none."""
    service = file.services[key]
    if "network_mode" in service:
        return []
    # In compose's order: the first one is the container's network mode.
    return [_network_name(file, one) for one in sorted(service.get("networks") or ["default"])]


def _network_name(file: ComposeFile, key: str) -> str:
    definition = file.networks.get(key) or {}
    plain = key if definition.get("external") else f"{file.project}_{key}"
    return str(definition.get("name") or plain)


def _network_mode(file: ComposeFile, key: str) -> str:
    service = file.services[key]
    return str(service.get("network_mode") or network_names(file, key)[0])


def _exposed(service: Definition) -> Iterator[str]:
    for port in service.get("ports") or ():
        yield f"{port['target']}/{port.get('protocol', 'tcp')}"
    for port in service.get("expose") or ():
        yield port if "/" in str(port) else f"{port}/tcp"


def _port_bindings(service: Definition) -> Json:
    bindings: Json = {}
    for port in service.get("ports") or ():
        entry = {"HostIp": port.get("host_ip", ""), "HostPort": str(port.get("published", ""))}
        container = f"{port['target']}/{port.get('protocol', 'tcp')}"
        bindings.setdefault(container, []).append(entry)
    return bindings
