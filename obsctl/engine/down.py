"""Takes a project down by its labels alone: what docker compose made is taken down as well."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from obsctl.conventions import STATE_DIRECTORY
from obsctl.engine.client import Engine
from obsctl.engine.context import TIMEOUT_S
from obsctl.engine.events import Event, OnEvent
from obsctl.engine.interrupt import Interrupt, interruptible
from obsctl.engine.lock import Waiting, project_lock
from obsctl.engine.model import LABEL_DEPENDS_ON
from obsctl.engine.observe import Container, observe
from obsctl.errors import EngineError, ObsctlError, Problem


@dataclass(frozen=True, slots=True)
class Removed:
    """How many of each were removed; `kept` are the names of the volumes that stay."""

    containers: int
    networks: int
    volumes: int
    kept: tuple[str, ...]

    def __str__(self) -> str:
        if not (self.containers or self.networks or self.volumes):
            words = "nothing to remove"
        else:
            words = f"removed {_count(self.containers, 'container')}, "
            words += _count(self.networks, "network")
            words += f", {_count(self.volumes, 'volume')}" if self.volumes else ""
        kept = f"; kept volumes {', '.join(self.kept)}" if self.kept else ""
        return words + kept


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class _Removal:
    engine: Engine
    interrupt: Interrupt
    on_event: OnEvent

    def all(self, wanted: Mapping[str, str], remove: Callable[[str], None], noun: str) -> int:
        """Remove all of `wanted` (name by key) in parallel; EngineError for what could not be."""
        self.interrupt.check()
        if not wanted:
            return 0

        def attempt(key: str) -> tuple[Problem, ...]:
            name = wanted[key]
            try:
                remove(key)
            except ObsctlError as error:
                self.on_event(Event(name, f"{noun} not removed", "failed"))
                return error.problems
            self.on_event(Event(name, f"{noun} removed", "done"))
            return ()

        with ThreadPoolExecutor(min(len(wanted), 16)) as pool:
            problems = [problem for found in pool.map(attempt, wanted) for problem in found]
        if problems:
            raise EngineError(*problems)
        return len(wanted)


def take_down(project: str, root: Path, on_event: OnEvent, *, volumes: bool = False) -> Removed:
    """Stop and remove the project's containers and networks, and its volumes when asked to."""

    def tell(text: str) -> None:
        on_event(Event(project, text))

    with interruptible() as interrupt:
        waiting = Waiting(TIMEOUT_S, tell, interrupt.check)
        with project_lock(root / STATE_DIRECTORY, waiting):
            removal = _Removal(Engine.open(), interrupt, on_event)
            return _take_down(removal, project, volumes=volumes)


def _take_down(removal: _Removal, project: str, *, volumes: bool) -> Removed:
    engine = removal.engine
    observed = observe(engine, project)
    count = 0
    for group in _dependents_first(observed.containers):
        by_id = {container.id: container for container in group}

        def remove(key: str, by_id: Mapping[str, Container] = by_id) -> None:
            container = by_id[key]
            if container.state not in {"created", "exited", "dead"}:
                engine.stop(container.id, container.grace_s)
            engine.remove(container.id, force=True)

        count += removal.all({one.id: one.name for one in group}, remove, "container")
    networks = {one.id: one.name for one in observed.networks if one.project == project}
    gone = removal.all(networks, engine.remove_network, "network")
    ours = {one.name: one.name for one in observed.volumes if one.project == project}
    if not volumes:
        return Removed(count, gone, 0, tuple(ours))
    return Removed(count, gone, removal.all(ours, engine.remove_volume, "volume"), ())


def _dependents_first(containers: tuple[Container, ...]) -> list[list[Container]]:
    """Groups that can go at the same time: nothing in a later one needs an earlier one."""
    needs = {one.name: _needs(one) for one in containers}
    left = {one.name: one for one in containers}
    groups: list[list[Container]] = []
    while left:
        needed = {service for name in left for service in needs[name] - {left[name].service}}
        group = [one for one in left.values() if one.service not in needed]
        # A circle of dependencies goes all at once.
        groups.append(group or list(left.values()))
        for one in groups[-1]:
            del left[one.name]
    return groups


def _needs(container: Container) -> set[str]:
    labels = container.inspected.get("Config", {}).get("Labels") or {}
    entries = str(labels.get(LABEL_DEPENDS_ON, "")).split(",")
    return {entry.partition(":")[0] for entry in entries if entry}
