"""One container of the Stack: what it runs, mounts, publishes, waits for and may."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from obsctl.conventions import AUTHORITY


@dataclass(frozen=True, slots=True)
class Port:
    host_ip: str
    host_port: int
    container_port: int
    protocol: str = "tcp"


@dataclass(frozen=True, slots=True)
class DirectoryMount:
    """A directory of the rendered tree, read-only in the container."""

    source: PurePosixPath  # relative to stack/
    target: str
    hot: bool = False  # its files are reloaded, not restarted


@dataclass(frozen=True, slots=True)
class HostMount:
    source: str
    target: str


@dataclass(frozen=True, slots=True)
class VolumeMount:
    volume: str
    target: str
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Healthcheck:
    test: tuple[str, ...]
    interval_s: int = 15
    timeout_s: int = 5
    retries: int = 3
    start_period_s: int = 60


@dataclass(frozen=True, slots=True)
class Dependency:
    service: str
    condition: str  # service_started | service_healthy | service_completed_successfully
    required: bool = True


@dataclass(frozen=True, slots=True)
class Access:
    """How a component is asked: over TLS or not, and with whose login, if any is asked for."""

    tls: bool
    user: str = ""
    secret: str = ""  # name of the secret with the password

    @property
    def scheme(self) -> str:
        return "https" if self.tls else "http"

    @property
    def client(self) -> dict[str, object]:
        """The options of a client, as Prometheus and its tools spell them."""
        password = {"username": self.user, "password_file": f"/run/secrets/{self.secret}"}
        options: dict[str, object] = {"basic_auth": password} if self.user else {}
        authority = {"tls_config": {"ca_file": f"/run/secrets/{AUTHORITY}"}} if self.tls else {}
        return options | authority


@dataclass(frozen=True, slots=True)
class Service:
    """One container of the stack."""

    name: str
    image: str
    user: str | None
    command: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    directories: tuple[DirectoryMount, ...] = ()
    host_mounts: tuple[HostMount, ...] = ()
    volumes: tuple[VolumeMount, ...] = ()
    tmpfs: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()  # names; files under secrets/, seen at /run/secrets/<name>
    secret_targets: Mapping[str, str] = field(default_factory=dict)  # or elsewhere, by name
    ports: tuple[Port, ...] = ()
    depends_on: tuple[Dependency, ...] = ()
    healthcheck: Healthcheck | None = None
    memory_bytes: int = 128 * 2**20
    cpus: float = 1.0
    pids: int = 256
    read_only: bool = True
    host_pid: bool = False
    host_gateway: bool = False  # host.docker.internal resolves to the Docker host
    networks: tuple[str, ...] = ()  # of the application, beside the stack's own
    one_shot: bool = False
    stop_grace_s: int = 30
    reload: str | None = None  # conventions.LABEL_RELOAD
    ready: str | None = None  # conventions.LABEL_READY
    access: Access | None = None  # None: plain HTTP, open to all who reach it
    host_reason: str = ""  # why it needs access to the host, where it does
    comments: tuple[str, ...] = ()  # why an exception is made; printed in the compose file
