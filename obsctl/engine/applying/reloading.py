"""Makes a running component take its changed files, and reads back that it did."""

import http.client
import time
from dataclasses import replace

from obsctl.engine.applying.context import Context
from obsctl.engine.components.loaded.component import Component, Refusal
from obsctl.engine.components.readback import read_back
from obsctl.engine.desired.hot_files import read_hot_files
from obsctl.engine.desired.model import DesiredService
from obsctl.engine.planning.observe import Container, inspect_container
from obsctl.engine.planning.plan import Operation
from obsctl.errors import EngineError, Problem


def reload_container(context: Context, operation: Operation) -> None:
    """Reload as the service's label says; EngineError with the component's own words if it fails.

    Then the files that it worked with are put back and loaded again: a reload is not atomic, and
    the next start would read what was refused.
    """
    service, container = _parts(context, operation)
    if container is None:
        return  # it was removed by somebody; the next plan makes it anew
    context.tell(service.name, "reloading")
    began = time.monotonic()
    try:
        asked = _load(context, service, container)
    except EngineError as error:
        context.journal.step(operation.key, f"put the files of {service.name} back")
        raise EngineError(*error.problems, _gone_back(context, operation)) from error
    milliseconds = (time.monotonic() - began) * 1000
    proof = "read back as written" if asked else "it could not be asked what it has loaded"
    context.tell(service.name, f"reloaded in {milliseconds:.0f} ms, {proof}", "done")


def load_good_files(context: Context, operation: Operation) -> bool:
    """Put back the files that the component worked with and load them; False if there are none."""
    service, container = _parts(context, operation)
    if not context.good.has(service):
        return False
    context.good.put_back(service)
    if container is not None:
        _load(context, service, container, restored=True)
    return True


def _parts(context: Context, operation: Operation) -> tuple[DesiredService, Container | None]:
    if operation.service is None or operation.current is None:
        raise ValueError(operation.key)
    return operation.service, inspect_container(context.engine, operation.current.id)


def _gone_back(context: Context, operation: Operation) -> Problem:
    name = operation.resource
    try:
        if load_good_files(context, operation):
            return Problem(f"the last good files of `{name}` are back, and it has loaded them")
    except EngineError as error:
        return Problem(
            f"the last good files of `{name}` are back, but: {error}",
            hint=f"`docker restart` of its container makes `{name}` read them",
        )
    return Problem(f"no earlier files of `{name}` are known: what it refused is still in stack/")


def _load(
    context: Context, service: DesiredService, container: Container, *, restored: bool = False
) -> bool:
    """Make it load its files and wait until it has; whether it could be asked."""
    component = Component(
        context.engine,
        container,
        (service.ready or "").partition("/")[0],
        read_hot_files(context.good.stack, service.hot.directories).changed_at,
        restored,
    )
    for step in (service.reload or "").split():
        _trigger(service.name, component, step)
    # Once put back, files have to be loaded even when the user has asked to stop.
    check = _nothing if restored else context.interrupt.check
    found = read_back(service.name, component, check)
    if found.refusal:
        raise _refused(service.name, found.refusal)
    return found.asked


def _nothing() -> None:
    """Nothing may cut this short."""


def _trigger(service: str, component: Component, step: str) -> None:
    kind, _, how = step.partition(":")
    if kind == "auto":
        return
    port, _, path = how.partition("/")
    target = replace(component, port=port)
    if kind == "http" and target.can_be_asked():
        try:
            target.post(f"/{path}")
        except (Refusal, http.client.HTTPException, OSError) as error:
            raise _refused(service, str(error)) from None
        return
    component.engine.signal(component.container.id, how if kind == "signal" else "HUP")


def _refused(service: str, words: str) -> EngineError:
    return EngineError(
        Problem(
            f"`{service}` refused its changed configuration: {words}",
            hint="it goes on with the configuration that it had; correct it and run `obsctl up`",
        )
    )
