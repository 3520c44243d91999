"""What the Engine shall run: services, networks and volumes, in the Engine API's terms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from obsctl.conventions import ACCOUNTS
from obsctl.engine.desired.hot_files import HotFiles
from obsctl.engine.desired.mounts import Source
from obsctl.engine.desired.quantities import SECOND_NS
from obsctl.project.derived import is_looked_at_again

LABEL_IMAGE: Final = "com.docker.compose.image"
LABEL_DEPENDS_ON: Final = "com.docker.compose.depends_on"
LABEL_WORKING_DIRECTORY: Final = "com.docker.compose.project.working_dir"
LABEL_CONFIG_FILES: Final = "com.docker.compose.project.config_files"
LABEL_VERSION: Final = "com.docker.compose.version"

STARTED: Final = "service_started"
HEALTHY: Final = "service_healthy"
COMPLETED: Final = "service_completed_successfully"


def _is_read_at_start(secret: str) -> bool:
    return secret not in ACCOUNTS and not is_looked_at_again(secret)


@dataclass(frozen=True, slots=True)
class Dependency:
    """What is not `required` may come at any time, or not at all."""

    service: str
    condition: str = STARTED
    required: bool = True


@dataclass(frozen=True, slots=True)
class HostPort:
    host_ip: str
    port: int
    protocol: str = "tcp"


@dataclass(frozen=True, slots=True)
class DesiredService:
    """One container; `body` is the Engine's create body but for networks and image id."""

    name: str
    container: str
    image: str
    spec_hash: str
    body: Mapping[str, Any]
    networks: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    depends_on: tuple[Dependency, ...] = ()
    ports: tuple[HostPort, ...] = ()
    sources: tuple[Source, ...] = ()
    hot: HotFiles = field(default_factory=HotFiles)
    reload: str | None = None
    ready: str | None = None
    one_shot: bool = False

    @property
    def aliases(self) -> tuple[str, str]:
        """What other containers call it, in compose's order."""
        return (self.container, self.name)

    def secrets_changed_after(self, moment: float) -> tuple[str, ...]:
        """The secrets that a container that started then has in an older form.

        A single file stays what it was inside a container when another takes its name.
        """
        return tuple(
            source.secret
            for source in self.sources
            if source.secret and _is_read_at_start(source.secret) and source.changed_at > moment
        )

    @property
    def stop_grace_s(self) -> int:
        """Seconds between SIGTERM and SIGKILL; the Engine's own default where none is set."""
        return int(self.body.get("StopTimeout", 10))

    @property
    def memory_bytes(self) -> int:
        return int(self.body["HostConfig"].get("Memory", 0))

    @property
    def startup_s(self) -> float:
        """How long it may take to become healthy: its own start period, and some more."""
        check = self.body.get("Healthcheck", {})
        probing = check.get("Interval", 0) + check.get("Timeout", 0)
        waiting = check.get("StartPeriod", 0) + probing * (check.get("Retries", 3) + 1)
        return float(waiting) / SECOND_NS + 60


@dataclass(frozen=True, slots=True)
class DesiredNetwork:
    name: str
    body: Mapping[str, Any]
    external: bool = False


@dataclass(frozen=True, slots=True)
class DesiredVolume:
    name: str
    body: Mapping[str, Any]
    external: bool = False


@dataclass(frozen=True, slots=True)
class Desired:
    project: str
    file: Path
    services: Mapping[str, DesiredService]
    networks: Mapping[str, DesiredNetwork]
    volumes: Mapping[str, DesiredVolume]
    coming: frozenset[Path] = frozenset()  # places that are not on disk yet, but will be

    def in_dependency_order(self) -> list[str]:
        """Services after those that they depend on; by name where that leaves a choice."""
        ordered: dict[str, None] = {}

        def visit(name: str) -> None:
            for dependency in self.services[name].depends_on:
                visit(dependency.service)
            ordered.setdefault(name)

        for name in sorted(self.services):
            visit(name)
        return list(ordered)
