"""Takes a project down by its labels alone: what docker compose made is taken down as well."""

import os.path
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from obsctl.conventions import STACK_DIRECTORY, STATE_DIRECTORY
from obsctl.engine.client import Engine
from obsctl.engine.desired.model import LABEL_DEPENDS_ON
from obsctl.engine.planning.observe import Container, Observed, observe
from obsctl.engine.preflight.checkouts import other_checkouts
from obsctl.engine.run.events import Event, OnEvent
from obsctl.engine.run.interrupt import Interrupt, interruptible
from obsctl.engine.run.lock import Waiting, project_lock
from obsctl.engine.run.patience import TIMEOUT_S
from obsctl.errors import EngineError, ObsctlError, Problem

# How often the main thread looks up from waiting, so that a signal is noticed.
_LOOK_S: Final = 0.2


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
class _Step:
    """Resources of one kind that may go at the same time: names by key, and how one goes."""

    noun: str
    wanted: Mapping[str, str]
    remove: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Removal:
    interrupt: Interrupt
    on_event: OnEvent
    done: Counter[str] = field(default_factory=Counter)

    def run(self, steps: Sequence[_Step]) -> None:
        """One after the other; EngineError for what could not be removed, Stopped in between."""
        for number, step in enumerate(steps):
            self._check(steps[number:])
            self._all(step)
        self._check(())

    def _check(self, left: Sequence[_Step]) -> None:
        names = [name for step in left for name in step.wanted.values()]
        done = ", ".join(_count(number, noun) for noun, number in self.done.items())
        self.interrupt.check(
            f"removed {done or 'nothing yet'}; "
            + (f"still there: {', '.join(names)}" if names else "nothing is left to remove"),
            "`obsctl down` goes on from here, `obsctl up` brings the stack back",
        )

    def _all(self, step: _Step) -> None:
        """Remove all in parallel."""

        def attempt(key: str) -> tuple[Problem, ...]:
            name = step.wanted[key]
            try:
                step.remove(key)
            except ObsctlError as error:
                self.on_event(Event(name, f"{step.noun} not removed", "failed"))
                return error.problems
            self.on_event(Event(name, f"{step.noun} removed", "done"))
            return ()

        with ThreadPoolExecutor(16) as pool:
            found = [pool.submit(attempt, key) for key in step.wanted]
            while wait(found, _LOOK_S).not_done:
                self.interrupt.acknowledge()
        problems = [problem for one in found for problem in one.result()]
        if problems:
            raise EngineError(*problems)
        self.done[step.noun] += len(step.wanted)


def take_down(project: str, root: Path, on_event: OnEvent, *, volumes: bool = False) -> Removed:
    """Stop and remove the project's containers and networks, and its volumes when asked to.

    EngineError, with nothing changed, where they are those of another checkout.
    """

    def tell(text: str) -> None:
        on_event(Event(project, text))

    with interruptible(tell) as interrupt:
        waiting = Waiting(TIMEOUT_S, tell, interrupt.check)
        with project_lock(root / STATE_DIRECTORY, waiting):
            engine = Engine.open(tell=tell)
            observed = observe(engine, project)
            here = os.path.realpath(root / STACK_DIRECTORY)
            # Their data would go as well.
            if problems := tuple(other_checkouts(engine, observed, project, here)):
                raise EngineError(*problems)
            removal = _Removal(interrupt, on_event)
            return _take_down(engine, observed, project, removal, volumes=volumes)


def _take_down(
    engine: Engine, observed: Observed, project: str, removal: _Removal, *, volumes: bool
) -> Removed:
    containers = {one.id: one for one in observed.containers}

    def remove(key: str) -> None:
        container = containers[key]
        if container.state not in {"created", "exited", "dead"}:
            engine.stop(container.id, container.grace_s)
        engine.remove(container.id, force=True)

    networks = {one.id: one.name for one in observed.networks if one.project == project}
    ours = {one.name: one.name for one in observed.volumes if one.project == project}
    steps = [
        *(
            _Step("container", {one.id: one.name for one in group}, remove)
            for group in _dependents_first(observed.containers)
        ),
        _Step("network", networks, engine.remove_network),
        *((_Step("volume", ours, engine.remove_volume),) if volumes else ()),
    ]
    removal.run([step for step in steps if step.wanted])
    done = removal.done
    kept = () if volumes else tuple(sorted(ours))
    return Removed(done["container"], done["network"], done["volume"], kept)


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
    entries = container.labels.get(LABEL_DEPENDS_ON, "").split(",")
    return {entry.partition(":")[0] for entry in entries if entry}
