"""What was changed in one run stays together: all of it is kept, or all of it goes back."""

from collections.abc import Sequence
from concurrent.futures import Executor
from typing import Final

from obsctl.engine.applying.context import Context
from obsctl.engine.applying.reloading import load_good_files
from obsctl.engine.applying.replacing import put_back_replaced, remove_previous
from obsctl.engine.planning.plan import Action, Operation
from obsctl.errors import ObsctlError, Problem

UNDOABLE: Final = frozenset({Action.REPLACE, Action.RELOAD})


def commit(context: Context, pool: Executor, changed: Sequence[Operation]) -> list[Problem]:
    """The run went well: the old containers may go; returns what could not be removed."""

    def finish(operation: Operation) -> tuple[Problem, ...]:
        try:
            remove_previous(context, operation)
        except ObsctlError as error:
            return (_failed(f"the old container of `{operation.resource}` is still there", error),)
        return ()

    replaced = [one for one in changed if one.action is Action.REPLACE]
    return [problem for found in pool.map(finish, replaced) for problem in found]


def roll_back(
    context: Context, changed: Sequence[Operation], not_begun: Sequence[Operation]
) -> list[Problem]:
    """One of the run's changes failed: undo the others, the last one first."""
    notes: list[Problem] = []
    for operation in not_begun:
        # Nothing has loaded its new files yet, but its next start would.
        if operation.service is not None:
            context.good.put_back(operation.service)
    back: list[str] = []
    for operation in reversed(changed):
        context.tell(operation.resource, "going back as well")
        try:
            _undo(context, operation)
        except ObsctlError as error:
            notes.append(_failed(f"`{operation.resource}` could not be put back", error))
            continue
        back.append(operation.resource)
        context.tell(operation.resource, "as it was before", "done")
    if back:
        names = ", ".join(f"`{name}`" for name in back)
        notes.append(Problem(f"changed in the same run, and now as before too: {names}"))
    return notes


def _undo(context: Context, operation: Operation) -> None:
    if operation.action is Action.REPLACE:
        put_back_replaced(context, operation)
    else:
        load_good_files(context, operation)


def _failed(what: str, error: ObsctlError) -> Problem:
    return Problem(f"{what}: {error}", hint="`obsctl up` goes on from here")
