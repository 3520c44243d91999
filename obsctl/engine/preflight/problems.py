"""No impact yet: everything that would make the apply fail, found before anything is changed."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from obsctl.engine.client import Engine
from obsctl.engine.connection.host import bind_problem, free_bytes, max_map_count, port_holder
from obsctl.engine.desired.model import Desired, DesiredService, HostPort
from obsctl.engine.planning.observe import Observed
from obsctl.engine.planning.plan import Action, Plan
from obsctl.engine.preflight.checkouts import other_checkouts
from obsctl.engine.preflight.images import unfit_images, unobtainable_images
from obsctl.engine.preflight.sources import missing_directories, missing_sources, unseen_files
from obsctl.errors import EngineError, Problem

# Elasticsearch's own bootstrap check.
_MAP_COUNT_MIN: Final = 262144
_GIB: Final = 2**30
_MIB: Final = 2**20
_DISK_MIN: Final = 512 * _MIB
_ANY_ADDRESS: Final = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - compared, not bound


@dataclass(frozen=True, slots=True)
class TakenPort(Problem):
    """A port of the host that `service` cannot publish; who knows the settings can place it."""

    service: str = ""
    port: int = 0


def preflight(engine: Engine, desired: Desired, observed: Observed, plan: Plan) -> None:
    """EngineError with every obstacle to the plan; asks only about what the plan would make."""
    look = _Look(engine, desired, observed, plan)
    problems = [
        *plan.refusals,
        *look.names(),
        *look.sources(),
        *look.host(),
    ]
    if problems:
        raise EngineError(*dict.fromkeys(problems))


def foreseen(
    engine: Engine, desired: Desired, observed: Observed, plan: Plan
) -> tuple[Problem, ...]:
    """What preflight would raise beside the plan's refusals, as far as it is known by looking.

    Secrets are left to who completes them. Whether an Engine elsewhere sees our files takes a
    call that is none of a reader, so that is left to `up`.
    """
    look = _Look(engine, desired, observed, plan)
    return tuple(dict.fromkeys([*look.names(), *look.directories(), *look.host()]))


def warnings(engine: Engine, desired: Desired) -> Iterator[str]:
    """What does not stop the apply, but is worth knowing."""
    if any("elasticsearch/elasticsearch" in one.image for one in desired.services.values()):
        words = map_count_warning(max_map_count() if engine.is_local else None)
        yield from (words,) if words else ()


def map_count_warning(found: int | None) -> str | None:
    """About vm.max_map_count, which Elasticsearch wants high; None is one that cannot be read."""
    setting = f"`sysctl -w vm.max_map_count={_MAP_COUNT_MIN}`"
    if found is None:
        return (
            f"vm.max_map_count of the Engine's host cannot be read from here, and Elasticsearch "
            f"wants {_MAP_COUNT_MIN} or more: see to it there with {setting}"
        )
    if found < _MAP_COUNT_MIN:
        wants = f"Elasticsearch wants {_MAP_COUNT_MIN} or more"
        return f"vm.max_map_count is {found}, {wants}: {setting}"
    return None


@dataclass(frozen=True, slots=True)
class _Look:
    engine: Engine
    desired: Desired
    observed: Observed
    plan: Plan

    def _made(self) -> list[DesiredService]:
        """The services that the plan makes or starts a container for."""
        quiet = {Action.WAIT, Action.RELOAD}
        services = (one.service for one in self.plan.operations if one.action not in quiet)
        return list({one.name: one for one in services if one}.values())

    def names(self) -> Iterator[Problem]:
        yield from self.earlier_names()
        yield from other_checkouts(self.engine, self.observed, self.desired.project, self._here)
        yield from self.foreign_names()
        yield from self.external()

    def host(self) -> Iterator[Problem]:
        yield from self.ports()
        yield from self.memory()
        yield from self.disk()
        yield from self.images()

    @property
    def _here(self) -> str:
        return str(self.desired.file.parent)

    def earlier_names(self) -> Iterator[Problem]:
        """The project was renamed while it ran: both would mount the same files."""
        name, file = self.desired.project, self.desired.file
        others = {one.project for one in self.observed.foreign if one.directory == self._here}
        for other in sorted(others) if self.engine.is_local else ():
            yield Problem(
                f"this directory still runs as project `{other}`, and is to be `{name}` now",
                hint=f"`docker compose -p {other} -f {file} down` stops it; its volumes stay, and "
                f"`{name}` begins with empty ones; or give the project its old name back",
            )

    def foreign_names(self) -> Iterator[Problem]:
        wanted = {service.container: service.name for service in self._made()}
        for container in self.observed.foreign:
            base = container.name.removesuffix("_next").removesuffix("_previous")
            if base in wanted:
                yield Problem(
                    f"the container name `{container.name}` is taken by a container that is "
                    f"not of this project{_of(container.project)}",
                    hint="remove or rename that container, or choose another `project` name",
                )
        kinds = (
            ("network", self.observed.networks, self.desired.networks),
            ("volume", self.observed.volumes, self.desired.volumes),
        )
        for kind, present, desired in kinds:
            for one in present:
                ours = desired.get(one.name)
                if ours and not ours.external and one.project != self.desired.project:
                    yield Problem(
                        f"the {kind} `{one.name}` exists and is not of this project"
                        f"{_of(one.project)}",
                        hint=f"remove it with `docker {kind} rm {one.name}`, "
                        "or choose another `project` name",
                    )

    def external(self) -> Iterator[Problem]:
        names = self.observed.network_names() | self.observed.volume_names()
        networks = [one.name for one in self.desired.networks.values() if one.external]
        volumes = [one.name for one in self.desired.volumes.values() if one.external]
        for noun, wanted in (("network", networks), ("volume", volumes)):
            for name in wanted:
                if name not in names:
                    yield Problem(
                        f"the {noun} `{name}` is the application's, and it does not exist",
                        hint=f"start the application first, or create it: `docker {noun} create "
                        f"{name}`",
                    )
        listed = [network.name for network in self.observed.networks]
        for name in sorted({one for one in listed if listed.count(one) > 1}):
            if name in self.desired.networks:
                yield Problem(
                    f"there are {listed.count(name)} networks of the name `{name}`",
                    hint="`docker network ls` shows their ids; remove all but one by id",
                )

    def sources(self) -> Iterator[Problem]:
        yield from unseen_files(self.engine, self.desired, self._made())
        yield from missing_sources(self.desired, self._made())

    def directories(self) -> Iterator[Problem]:
        yield from missing_directories(self.desired, self._made())

    def ports(self) -> Iterator[Problem]:
        kept = [port for one in self.observed.containers if one.holds_ports for port in one.ports]
        # Told already, by the name that the project had.
        renamed = (one for one in self.observed.foreign if one.directory == self._here)
        kept += [port for one in renamed for port in one.ports]
        for service in self._made():
            for port in service.ports:
                if any(_clash(port, other) for other in kept):
                    continue  # its own predecessor, or a container that goes before
                if problem := self._port_problem(service, port):
                    yield problem

    def _port_problem(self, service: DesiredService, port: HostPort) -> Problem | None:
        place = f"port {port.host_ip}:{port.port} for `{service.name}`"
        hint = "free it, or choose another port under `stack` in the project file"
        for container in self.observed.foreign:
            if any(_clash(port, other) for other in container.ports):
                message = f"{place} is in use by container `{container.name}`"
                return TakenPort(message, None, hint, None, service.name, port.port)
        words = bind_problem(port) if self.engine.is_local else None
        if words is None:
            return None
        holder = port_holder(port) if words == "is in use" else None
        message = f"{place} {words}{f' by {holder}' if holder else ''}"
        return TakenPort(message, None, hint, None, service.name, port.port)

    def memory(self) -> Iterator[Problem]:
        if not self._made():
            return
        total = int(self.engine.info().get("MemTotal", 0))
        needed = sum(service.memory_bytes for service in self.desired.services.values())
        if total and needed > total:
            yield Problem(
                f"the services may use {needed / _GIB:.1f} GiB of memory together, "
                f"and the Engine's host has {total / _GIB:.1f} GiB",
                hint="lower `memory` of a part under `stack`, or use `stack.without`",
            )

    def disk(self) -> Iterator[Problem]:
        if not self._made() or not self.engine.is_local:
            return
        root = str(self.engine.info().get("DockerRootDir", ""))
        free = free_bytes(Path(root)) if root else None
        if free is not None and free < _DISK_MIN:
            yield Problem(
                f"the Engine's disk has {free / _MIB:.0f} MiB left at `{root}`, and containers "
                f"with their logs and data need at least {_DISK_MIN / _MIB:.0f} MiB",
                hint="`docker system df` shows what takes it, `docker system prune` frees some",
            )

    def images(self) -> Iterator[Problem]:
        yield from unobtainable_images(self.engine, self.plan)
        yield from unfit_images(self.engine, self.observed, self._made())


def _clash(one: HostPort, other: HostPort) -> bool:
    if (one.port, one.protocol) != (other.port, other.protocol):
        return False
    return one.host_ip == other.host_ip or bool({one.host_ip, other.host_ip} & _ANY_ADDRESS)


def _of(project: str) -> str:
    return f" but of compose project `{project}`" if project else ""
