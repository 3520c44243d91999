"""A Plan: operations, each with its cause and what it must wait for; plain data."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from obsctl.engine.desired.model import DesiredNetwork, DesiredService, DesiredVolume
from obsctl.engine.planning.observe import Container
from obsctl.errors import Problem


class Action(StrEnum):
    CREATE_NETWORK = "create network"
    CREATE_VOLUME = "create volume"
    PULL = "pull"
    REMOVE = "remove"
    RESTORE = "restore"
    CREATE = "create"
    START = "start"
    RESTART = "restart"
    RESUME = "resume"
    REPLACE = "replace"
    RELOAD = "reload"
    WAIT = "wait for"


_FOLLOWING = frozenset({Action.START, Action.WAIT})


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing to do, for one reason; `needs` are the keys of what must have ended well before.

    What follows `needs` is what apply works on: apply itself decides nothing.
    """

    action: Action
    resource: str
    cause: str
    needs: tuple[str, ...] = ()
    service: DesiredService | None = None
    current: Container | None = None  # the container that is acted on, or replaced
    fresh: Container | None = None  # its replacement, made by an `up` that was interrupted
    definition: DesiredNetwork | DesiredVolume | None = None
    files: tuple[str, ...] = ()
    saves: tuple[str, ...] = ()  # volumes to copy while no container writes to them

    @property
    def key(self) -> str:
        return f"{self.action} {self.resource}"

    @property
    def is_change(self) -> bool:
        """A wait changes nothing."""
        return self.action is not Action.WAIT

    def __str__(self) -> str:
        return f"{self.key}: {self.cause}"


@dataclass(frozen=True, slots=True)
class Plan:
    """`refusals` are changes that `up` does not make unless it is told to."""

    operations: tuple[Operation, ...] = ()
    refusals: tuple[Problem, ...] = ()

    @property
    def changes(self) -> tuple[Operation, ...]:
        return tuple(operation for operation in self.operations if operation.is_change)

    def __str__(self) -> str:
        if not self.operations:
            return "nothing to do: what runs is what the project file asks for\n"
        return "".join(f"{line}\n" for line in (*self._lines(), *self._refused()))

    def _lines(self) -> Iterator[str]:
        told = self._told()
        width = max(len(operation.key) for operation in told)
        for operation in told:
            awaited = ", ".join(self._awaited_by(operation.resource)) if operation.service else ""
            after = f"; after {awaited}" if awaited else ""
            yield f"{operation.key:<{width}}  {operation.cause}{after}"
            if operation.saves:
                yield f"{'':<{width}}  saves volume {', '.join(operation.saves)} before"

    def _told(self) -> list[Operation]:
        """Without what goes without saying: what was made is started, and waited for."""
        told: list[Operation] = []
        resources: set[str] = set()
        for operation in self.operations:
            follows = operation.action in _FOLLOWING
            if not follows or operation.resource not in resources:
                told.append(operation)
            resources.add(operation.resource)
        return told

    def _awaited_by(self, resource: str) -> list[str]:
        """The other services that must be ready, or have completed, before this one goes on."""
        mine = [one for one in self.operations if one.resource == resource]
        awaited = {need for one in mine for need in one.needs}
        waits = (one for one in self.operations if one.action is Action.WAIT)
        return [one.resource for one in waits if one.key in awaited and one.resource != resource]

    def _refused(self) -> Iterator[str]:
        for problem in self.refusals:
            yield f"refused  {problem.message}"
            yield f"         {problem.hint}"

    def as_data(self) -> dict[str, Any]:
        """For --json."""
        return {
            "changes": len(self.changes),
            "refusals": [problem.message for problem in self.refusals],
            "operations": [
                {
                    "action": str(operation.action),
                    "resource": operation.resource,
                    "cause": operation.cause,
                    "needs": list(operation.needs),
                    "change": operation.is_change,
                    "saves": list(operation.saves),
                }
                for operation in self.operations
            ],
        }
