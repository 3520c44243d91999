"""One function per action of a plan; each does what its operation says and decides nothing."""

from collections.abc import Callable, Mapping
from typing import Final

from obsctl.engine.applying.context import Context
from obsctl.engine.applying.making import make_container
from obsctl.engine.applying.pulling import pull_image
from obsctl.engine.applying.readiness import await_ready
from obsctl.engine.applying.reloading import reload_container
from obsctl.engine.applying.replacing import replace_container
from obsctl.engine.applying.snapshots import half_made, restore
from obsctl.engine.desired.model import DesiredService
from obsctl.engine.planning.observe import Container
from obsctl.engine.planning.plan import Action, Operation


def perform(context: Context, operation: Operation) -> None:
    """Do the operation; EngineError, or Stopped, when it did not come to its end."""
    if operation.is_change:
        context.journal.step(operation.key, operation.key)
    _STEPS[operation.action](context, operation)
    if operation.is_change:
        context.journal.end(operation.key)


def _service(operation: Operation) -> DesiredService:
    if operation.service is None:
        raise ValueError(operation.key)
    return operation.service


def _container(operation: Operation) -> Container:
    if operation.current is None:
        raise ValueError(operation.key)
    return operation.current


def _create_network(context: Context, operation: Operation) -> None:
    if operation.definition is not None:
        context.engine.create_network(operation.resource, dict(operation.definition.body))
    context.tell(operation.resource, "created", "done")


def _create_volume(context: Context, operation: Operation) -> None:
    if operation.definition is not None:
        context.engine.create_volume(operation.resource, dict(operation.definition.body))
    context.tell(operation.resource, "created", "done")


def _pull(context: Context, operation: Operation) -> None:
    context.tell(operation.resource, "pulling")
    pull_image(context, operation.resource)
    context.tell(operation.resource, "pulled", "done")


def _remove(context: Context, operation: Operation) -> None:
    container = _container(operation)
    if container.state not in {"created", "exited", "dead"}:
        context.tell(operation.resource, "stopping")
        context.engine.stop(container.id, container.grace_s)
    context.engine.remove(container.id, force=True)
    if volume := half_made(container):
        context.engine.remove_volume(volume)
    context.tell(operation.resource, "removed", "done")


def _create(context: Context, operation: Operation) -> None:
    service = _service(operation)
    make_container(context.engine, service, service.container)
    context.tell(service.name, "created")


def _start(context: Context, operation: Operation) -> None:
    service = _service(operation)
    context.tell(service.name, "starting")
    context.engine.start(service.container)


def _restart(context: Context, operation: Operation) -> None:
    service, container = _service(operation), _container(operation)
    context.tell(service.name, "restarting")
    context.engine.stop(container.id, container.grace_s)
    context.engine.start(container.id)


def _resume(context: Context, operation: Operation) -> None:
    context.engine.unpause(_container(operation).id)
    context.tell(_service(operation).name, "resumed")


def _restore(context: Context, operation: Operation) -> None:
    service, container = _service(operation), _container(operation)
    restore(context, service, container)
    context.engine.rename(container.id, service.container)
    if not service.one_shot:
        context.engine.start(container.id)
    context.tell(service.name, "put back")


def _wait(context: Context, operation: Operation) -> None:
    service = _service(operation)
    context.tell(service.name, "waiting until it has ended" if service.one_shot else "waiting")
    # Whoever started it may also run its health check; else only looking on is allowed.
    await_ready(context, service, service.container, active=bool(operation.needs))
    context.tell(service.name, "completed" if service.one_shot else "ready", "done")


_STEPS: Final[Mapping[Action, Callable[[Context, Operation], None]]] = {
    Action.CREATE_NETWORK: _create_network,
    Action.CREATE_VOLUME: _create_volume,
    Action.PULL: _pull,
    Action.REMOVE: _remove,
    Action.CREATE: _create,
    Action.START: _start,
    Action.RESTART: _restart,
    Action.RESUME: _resume,
    Action.RESTORE: _restore,
    Action.REPLACE: replace_container,
    Action.RELOAD: reload_container,
    Action.WAIT: _wait,
}
