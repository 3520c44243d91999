"""Carries out a Plan, as parallel as its needs allow; every decision was made before."""

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from typing import Final

from obsctl.engine.applying.context import Context
from obsctl.engine.applying.steps import perform
from obsctl.engine.applying.undoing import UNDOABLE, commit, roll_back
from obsctl.engine.planning.plan import Operation, Plan
from obsctl.errors import EngineError, ObsctlError, Problem, Stopped

_THREADS_MAX: Final = 64
# How often the main thread looks up from waiting, so that a signal is noticed.
_LOOK_S: Final = 0.2


@dataclass(slots=True)
class _Run:
    """Operations by what has become of them; an operation whose need failed is skipped."""

    pending: dict[str, Operation]
    running: dict[Future[None], Operation] = field(default_factory=dict)
    done: dict[str, Operation] = field(default_factory=dict)
    errors: dict[str, ObsctlError] = field(default_factory=dict)
    skipped: list[Operation] = field(default_factory=list)
    change_failed: bool = False

    def changed(self) -> list[Operation]:
        """What was replaced or reloaded, in the order of its end."""
        return [one for one in self.done.values() if one.action in UNDOABLE]


def apply(plan: Plan, context: Context) -> None:
    """Carry out the whole plan; EngineError with every problem, or Stopped when interrupted.

    Operations that do not depend on a failed one are carried out all the same; but what was
    replaced or reloaded goes back together once a replacement or reload has failed.
    """
    run = _Run({operation.key: operation for operation in plan.operations})
    threads = max(1, min(_THREADS_MAX, len(plan.operations)))
    with ThreadPoolExecutor(threads, thread_name_prefix="apply") as pool:
        while run.pending or run.running:
            _skip_hopeless(run)
            if not context.interrupt.is_set:
                for operation in _ready(run):
                    del run.pending[operation.key]
                    run.running[pool.submit(perform, context, operation)] = operation
            elif not run.running:
                break
            context.interrupt.acknowledge()
            _collect(run, context)
        if run.change_failed and not context.interrupt.is_set:
            not_begun = [one for one in run.skipped if one.action in UNDOABLE]
            notes = roll_back(context, run.changed(), not_begun)
        else:
            notes = commit(context, pool, run.changed())
    _raise(run, context, notes)


def _ready(run: _Run) -> list[Operation]:
    return [one for one in run.pending.values() if run.done.keys() >= set(one.needs)]


def _skip_hopeless(run: _Run) -> None:
    """Drop what needs something that failed, was dropped itself, or is not in the plan."""
    while True:
        alive = run.done.keys() | run.pending.keys() | {one.key for one in run.running.values()}
        hopeless = [
            one
            for one in run.pending.values()
            if not alive >= set(one.needs) or (run.change_failed and one.action in UNDOABLE)
        ]
        if not hopeless:
            return
        for operation in hopeless:
            run.skipped.append(run.pending.pop(operation.key))


def _collect(run: _Run, context: Context) -> None:
    if not run.running:
        return
    ended, _ = wait(run.running, timeout=_LOOK_S, return_when=FIRST_COMPLETED)
    for future in ended:
        operation = run.running.pop(future)
        try:
            future.result()
        except ObsctlError as error:
            run.errors[operation.key] = _named(operation, error)
            if not isinstance(error, Stopped):
                run.change_failed |= operation.action in UNDOABLE
                context.tell(operation.resource, "failed", "failed")
        else:
            run.done[operation.key] = operation


def _named(operation: Operation, error: ObsctlError) -> ObsctlError:
    """The same error, whose every problem names the resource and the next step."""
    if isinstance(error, Stopped):
        return error
    name, next_step = operation.resource, "`obsctl up` goes on from here"
    problems = [
        replace(
            one,
            message=one.message if name in one.message else f"`{name}`: {one.message}",
            hint=one.hint or next_step,
        )
        for one in error.problems
    ]
    return EngineError(*problems)


def _raise(run: _Run, context: Context, notes: list[Problem]) -> None:
    failures = [one for one in run.errors.values() if not isinstance(one, Stopped)]
    problems = [*(problem for error in failures for problem in error.problems), *notes]
    if context.interrupt.is_set:
        open_ = [*run.pending.values(), *run.skipped]
        left = [one for one in open_ if one.is_change]
        stopped = [key for key, error in run.errors.items() if isinstance(error, Stopped)]
        raise context.interrupt.error(*problems, _where_it_stands(run, left, stopped))
    if run.skipped:
        names = ", ".join(dict.fromkeys(one.resource for one in run.skipped))
        problems.append(Problem(f"not done because of that: {names}"))
    if problems:
        raise EngineError(*problems)


def _where_it_stands(run: _Run, left: list[Operation], stopped: list[str]) -> Problem:
    total = len(run.done) + len(run.pending) + len(run.errors) + len(run.skipped)
    words = [f"interrupted: {len(run.done)} of {total} operations are done"]
    if stopped:
        words.append(f"given up or undone: {', '.join(stopped)}")
    if left:
        words.append(f"not begun: {', '.join(one.key for one in left)}")
    hint = "`obsctl up` goes on from here, `obsctl down` takes it all down"
    return Problem("; ".join(words), hint=hint)
