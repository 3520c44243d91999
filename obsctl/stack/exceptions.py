"""Why a service does not hold an item of `check --security`: each follows from its settings."""

from collections.abc import Iterator, Mapping
from typing import Final

from obsctl.stack.service_model import Service

_ENDS: Final = "it does its work once and ends"
_CANNOT_ASK: Final = (
    "its image has no program that could ask it; Prometheus does so with each scrape"
)
_ABOVE_THE_SOCKET: Final = ("/", "/run", "/var", "/var/run")
_ROOT: Final = ("", "0", "root")


def exceptions(service: Service) -> Mapping[str, str]:
    """The reason of each exception, by the item's name; none without a reason."""
    found = dict.fromkeys(_of_one_shot(service), _ENDS)
    if not service.one_shot and service.healthcheck is None:
        found["health-check"] = _CANNOT_ASK
    if service.host_reason:
        found |= dict.fromkeys(_of_host_access(service), service.host_reason)
    return found


def _of_one_shot(service: Service) -> Iterator[str]:
    if service.one_shot:
        yield "restart"
        if service.healthcheck is None:
            yield "health-check"


def _of_host_access(service: Service) -> Iterator[str]:
    sources = [mount.source for mount in service.host_mounts]
    if service.host_pid:
        yield "host-pid"
    if sources:
        yield "host-mounts"
    if any(one in _ABOVE_THE_SOCKET or one.endswith("docker.sock") for one in sources):
        yield "engine-socket"
    if (service.user or "").partition(":")[0] in _ROOT:
        yield "root-user"
