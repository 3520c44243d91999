"""Addresses as a container of the stack sees them: there, localhost is the container itself."""

from urllib.parse import urlsplit

from obsctl.conventions import DOCKER_HOST_NAME
from obsctl.project.addresses import Address, parse_address

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0", "::"})  # noqa: S104 - compared


def is_docker_host(host: str) -> bool:
    """True for the machine that the stack runs on, as its user spells it."""
    return host.lower().rstrip(".") in _LOOPBACK


def inside(text: str) -> Address:
    """host:port from a container: the Docker host has a name of its own there."""
    address = parse_address(text)
    return Address(DOCKER_HOST_NAME, address.port) if is_docker_host(address.host) else address


def url_inside(url: str) -> str:
    """A URL from a container; `url` has passed the schema's check."""
    parts = urlsplit(url)
    if not is_docker_host(parts.hostname or ""):
        return url
    port = "" if parts.port is None else f":{parts.port}"
    return parts._replace(netloc=f"{DOCKER_HOST_NAME}{port}").geturl()
