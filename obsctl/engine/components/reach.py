"""Where an endpoint of a container is reached from this machine."""

from dataclasses import dataclass, field
from http.client import HTTPConnection
from urllib.parse import urlsplit

from obsctl.conventions import LABEL_ACCESS
from obsctl.engine.client import Engine
from obsctl.engine.components.access import Access, access_of
from obsctl.engine.planning.observe import Container


@dataclass(frozen=True, slots=True)
class Endpoint:
    host: str
    port: int
    path: str
    published: bool = True
    access: Access = field(default_factory=Access)

    @property
    def url(self) -> str:
        return f"{self.access.scheme}://{self.host}:{self.port}{self.path}"

    def connection(self, timeout_s: float) -> HTTPConnection:
        """A connection that is yet to be opened."""
        return self.access.connection(self.host, self.port, timeout_s)


def endpoint_of(engine: Engine, container: Container, target: str) -> Endpoint | None:
    """`target` is "<container port><path>"; None where nothing leads there from here."""
    if not target:
        return None
    port, slash, path = target.partition("/")
    settings = container.inspected.get("NetworkSettings", {})
    for binding in (settings.get("Ports") or {}).get(f"{port}/tcp") or ():
        host = _host(engine, binding.get("HostIp", ""))
        return Endpoint(host, int(binding["HostPort"]), slash + path, access=_access(container))
    if not engine.is_local:
        return None
    addresses = [one.get("IPAddress") for one in (settings.get("Networks") or {}).values()]
    found = next((address for address in addresses if address), None)
    if not found:
        return None
    return Endpoint(found, int(port), slash + path, published=False, access=_access(container))


def _access(container: Container) -> Access:
    return access_of(container.service, container.labels.get(LABEL_ACCESS, ""), container.directory)


def _host(engine: Engine, host_ip: str) -> str:
    """A published address as seen from here; with a remote Engine, on its host."""
    if not engine.is_local:
        return urlsplit(engine.address.host).hostname or host_ip
    if host_ip in {"", "0.0.0.0"}:  # noqa: S104 - what is published there answers here too
        return "127.0.0.1"
    return "::1" if host_ip == "::" else host_ip
