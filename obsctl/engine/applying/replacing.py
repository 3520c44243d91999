"""Replaces a container: the new one is made while the old one serves, and put back if it fails."""

import time
from dataclasses import dataclass

from obsctl.engine.applying.context import Context
from obsctl.engine.applying.making import make_container
from obsctl.engine.applying.readiness import await_ready
from obsctl.engine.applying.snapshots import drop_old, forget, restore, save
from obsctl.engine.desired.model import DesiredService
from obsctl.engine.planning.observe import Container
from obsctl.engine.planning.plan import Operation
from obsctl.engine.planning.slots import NEXT, PREVIOUS
from obsctl.errors import EngineError, ObsctlError, Problem, Stopped


@dataclass(slots=True)
class _Replacement:
    """Where it stands; `old_name` moves as the old container is renamed."""

    key: str
    service: DesiredService
    old: Container
    old_name: str
    fresh: str  # the new container
    fresh_name: str
    saves: tuple[str, ...] = ()


def replace_container(context: Context, operation: Operation) -> None:
    """Carry out (or finish) a replacement; on failure the old container serves again.

    The old one is kept, stopped, until the whole run has gone well.
    """
    service, old = operation.service, operation.current
    if service is None or old is None:
        raise ValueError(operation.key)
    if operation.fresh is not None:
        fresh, name = operation.fresh.id, operation.fresh.name
    else:
        name = service.container + NEXT
        context.journal.step(operation.key, f"create {name}")
        fresh = make_container(context.engine, service, name)
    replacement = _Replacement(operation.key, service, old, old.name, fresh, name, operation.saves)
    try:
        outage_s = _switch(context, replacement)
    except ObsctlError as error:
        raise _undone(context, replacement, error) from error
    done = f"replaced, {outage_s:.2f} s without it" if old.is_running else "replaced"
    context.tell(service.name, done, "done")


def remove_previous(context: Context, operation: Operation) -> None:
    """The run has ended well: the container that was replaced is not needed any more."""
    if operation.service is None or operation.current is None:
        raise ValueError(operation.key)
    context.journal.step(operation.key, f"remove {operation.service.container}{PREVIOUS}")
    if operation.saves:
        # Before: once the old container is gone, nothing tells a later run to go on here.
        drop_old(context, operation.service)
    context.engine.remove(operation.current.id, force=True)
    context.journal.end(operation.key)


def put_back_replaced(context: Context, operation: Operation) -> None:
    """Undo a replacement that went well; the container that was replaced serves again."""
    service, old = operation.service, operation.current
    if service is None or old is None:
        raise ValueError(operation.key)
    name = service.container
    # It works, and may be writing: it gets the time to end well.
    context.engine.stop(name, service.stop_grace_s)
    _put_back(context, _Replacement(operation.key, service, old, name + PREVIOUS, name, name))


def _switch(context: Context, it: _Replacement) -> float:
    """Old out, new in, and wait for it; returns the seconds in between."""
    context.interrupt.check()
    engine, service = context.engine, it.service
    began = time.monotonic()
    if it.old.state not in {"created", "exited", "dead"}:
        context.journal.step(it.key, f"stop {it.old_name}")
        context.tell(service.name, "stopping the old container")
        engine.stop(it.old.id, it.old.grace_s)
    if it.old_name != service.container + PREVIOUS:
        forget(context, service, it.old)
        for volume in it.saves:
            context.journal.step(it.key, f"save {volume}")
            save(context, service, it.old, volume)
        context.journal.step(it.key, f"rename {it.old_name}")
        engine.rename(it.old.id, service.container + PREVIOUS)
        it.old_name = service.container + PREVIOUS
    if it.fresh_name != service.container:
        context.journal.step(it.key, f"rename {it.fresh_name}")
        engine.rename(it.fresh, service.container)
        it.fresh_name = service.container
    context.journal.step(it.key, f"start {service.container}")
    context.tell(service.name, "starting the new container")
    engine.start(it.fresh)
    return await_ready(context, service, it.fresh, active=True) - began


def _undone(context: Context, it: _Replacement, error: ObsctlError) -> ObsctlError:
    """Undo a replacement; the error to raise: what failed, and what stands now."""
    context.tell(it.service.name, "putting the old container back")
    try:
        _put_back(context, it)
    except EngineError as failure:
        note = Problem(
            f"the old container of `{it.service.name}` could not be put back: {failure}",
            hint="`obsctl up` goes on from here",
        )
        kind = type(error) if isinstance(error, Stopped) else EngineError
        return kind(*error.problems, note)
    if isinstance(error, Stopped):
        return error
    note = Problem(f"`{it.service.name}` runs as before: the old container was put back")
    return EngineError(*error.problems, note)


def _put_back(context: Context, it: _Replacement) -> None:
    engine, service = context.engine, it.service
    context.journal.step(it.key, f"remove {it.fresh_name}")
    engine.remove(it.fresh, force=True)
    # The old one would start with what the new one did not get along with.
    context.good.put_back(service)
    restore(context, service, it.old)
    if it.old_name != service.container:
        context.journal.step(it.key, f"rename {it.old_name}")
        engine.rename(it.old.id, service.container)
    was_serving = it.old.state in {"running", "restarting"} or it.old.name != service.container
    if was_serving and not service.one_shot:
        context.journal.step(it.key, f"start {service.container}")
        engine.start(it.old.id)
        if not context.interrupt.is_set:
            await_ready(context, service, it.old.id, active=True)
