"""Desired and observed make a Plan: every decision of the engine, each with its cause; pure."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from obsctl.engine.desired.model import STARTED, Desired, DesiredService
from obsctl.engine.planning.causes import definition_cause
from obsctl.engine.planning.data_guard import data_risks, guarded
from obsctl.engine.planning.mending import mending, unmounted
from obsctl.engine.planning.observe import Container, Observed
from obsctl.engine.planning.plan import Action, Operation, Plan
from obsctl.engine.planning.slots import Slots, sort_into_slots
from obsctl.engine.run.state import State


def reconcile(
    desired: Desired, observed: Observed, state: State, at_risk: Collection[str] = ()
) -> Plan:
    """What has to happen so that the Engine runs what is desired; nothing when it does.

    `at_risk` are the services whose data may be changed so that there is no way back.
    """
    plan = _Reconciler(desired, observed, state).plan()
    return guarded(plan, data_risks(desired, observed, state), at_risk)


@dataclass(frozen=True, slots=True)
class _Reconciler:
    desired: Desired
    observed: Observed
    state: State

    def plan(self) -> Plan:
        slots, strays = sort_into_slots(self.desired, self.observed)
        removals = [self._remove(stray, cause) for stray, cause in strays]
        services: list[Operation] = []
        for name in self.desired.in_dependency_order():
            services += self._service(self.desired.services[name], slots[name])
        pulls = list(self._pulls(services))
        resources = [*self._networks(), *self._volumes()]
        operations = [*resources, *pulls, *removals, *services]
        return Plan(tuple(self._with_needs(operation, operations) for operation in operations))

    # what services need before they can be made

    def _networks(self) -> Iterator[Operation]:
        present = self.observed.network_names()
        for network in self.desired.networks.values():
            if network.name not in present and not network.external:
                yield Operation(
                    Action.CREATE_NETWORK, network.name, "it does not exist", definition=network
                )

    def _volumes(self) -> Iterator[Operation]:
        present = self.observed.volume_names()
        for volume in self.desired.volumes.values():
            if volume.name not in present and not volume.external:
                yield Operation(
                    Action.CREATE_VOLUME, volume.name, "it does not exist", definition=volume
                )

    def _pulls(self, operations: list[Operation]) -> Iterator[Operation]:
        made = [one for one in operations if one.action in {Action.CREATE, Action.REPLACE}]
        images = dict.fromkeys(one.service.image for one in made if one.service)
        for image in images:
            if image not in self.observed.images:
                yield Operation(Action.PULL, image, "the Engine does not have it")

    def _remove(self, container: Container, cause: str) -> Operation:
        return Operation(Action.REMOVE, container.name, cause, current=container)

    # one service

    def _service(self, service: DesiredService, slots: Slots) -> Iterator[Operation]:
        if slots.next:
            yield self._remove(slots.next, "left by an interrupted replacement")
        if slots.previous is None:
            yield from self._steady(service, slots.main)
        elif slots.main is None:
            yield from self._put_back(service, slots.previous)
        elif self._drift(service, slots.main) is None:
            cause = "finish the interrupted replacement"
            yield replace(
                self._on(Action.REPLACE, service, cause, slots.previous), fresh=slots.main
            )
        else:
            yield self._remove(slots.main, "left by an interrupted replacement")
            yield from self._put_back(service, slots.previous)

    def _put_back(self, service: DesiredService, previous: Container) -> Iterator[Operation]:
        """Only the old container is left of an interrupted replacement."""
        drift = self._drift(service, previous)
        if drift is not None:
            yield self._on(Action.REPLACE, service, drift, previous)
            return
        cause = "put back after an interrupted replacement"
        yield self._on(Action.RESTORE, service, cause, previous)
        yield self._wait(service, previous)

    def _steady(self, service: DesiredService, main: Container | None) -> Iterator[Operation]:
        if main is None:
            yield self._on(Action.CREATE, service, "it does not exist")
            yield self._on(Action.START, service, "it is new")
            yield self._wait(service, None)
            return
        drift = self._drift(service, main)
        if drift is not None:
            yield self._on(Action.REPLACE, service, drift, main)
        else:
            yield from self._repair(service, main)

    def _repair(self, service: DesiredService, main: Container) -> Iterator[Operation]:
        """The right container, in the right state or not."""
        found = mending(service, main)
        if found is not None:
            yield self._on(*found, main)
            yield self._wait(service, main)
            return
        if self._is_under_way(service, main):
            yield self._wait(service, main)
        yield from self._reload(service, main)

    def _is_under_way(self, service: DesiredService, main: Container) -> bool:
        if service.one_shot:
            return main.is_running
        loaded = self.state.loaded.get(service.name)
        # The last `up` has seen it ready, though the Engine's own first check is yet to come.
        was_ready = loaded is not None and loaded.container == main.id
        return main.health == "starting" and not was_ready

    def _reload(self, service: DesiredService, main: Container) -> Iterator[Operation]:
        changed = self._changed_files(service, main)
        if changed and service.reload:
            cause = f"{', '.join(changed)} changed"
            yield replace(self._on(Action.RELOAD, service, cause, main), files=changed)

    def _changed_files(self, service: DesiredService, main: Container) -> tuple[str, ...]:
        loaded = self.state.loaded.get(service.name)
        if loaded is not None and loaded.container == main.id:
            return service.hot.differences(loaded.digests)
        # Made by docker compose, or the state is lost: it has read what was there at its start.
        if main.started_at > service.hot.changed_at:
            return ()
        return tuple(sorted(service.hot.digests))

    def _drift(self, service: DesiredService, container: Container) -> str | None:
        """Why the container has to be replaced; None when it is the right one."""
        if container.spec_hash != service.spec_hash:
            return definition_cause(service, container)
        image_id = self.observed.images.get(service.image)
        if image_id and container.image_id != image_id:
            return f"image {service.image} is another one now"
        return self._misplaced(service, container)

    def _misplaced(self, service: DesiredService, container: Container) -> str | None:
        """The right definition, but not where or as it should be."""
        directory = str(self.desired.file.parent)
        if container.directory not in {"", directory}:
            return f"the project moved here from {container.directory}"
        missing = sorted(set(service.networks) - set(container.networks))
        if missing:
            return f"not attached to network {', '.join(missing)}"
        if container.state in {"dead", "removing"}:
            return f"the Engine could not remove it ({container.state})"
        if service.one_shot:
            return self._emptied(service)
        return unmounted(service, container, self.state, self.desired.file.parent)

    def _emptied(self, service: DesiredService) -> str | None:
        """A set-up that has run must run again when what it set up starts from nothing."""
        present = self.observed.volume_names()
        for dependency in service.depends_on:
            for volume in self.desired.services[dependency.service].volumes:
                if volume not in present:
                    return f"{dependency.service} starts with an empty volume"
        return None

    def _on(
        self, action: Action, service: DesiredService, cause: str, current: Container | None = None
    ) -> Operation:
        return Operation(action, service.name, cause, service=service, current=current)

    def _wait(self, service: DesiredService, current: Container | None) -> Operation:
        cause = "until it has completed" if service.one_shot else "until it is ready"
        return self._on(Action.WAIT, service, cause, current)

    # order

    def _with_needs(self, operation: Operation, operations: list[Operation]) -> Operation:
        present = {one.key for one in operations}
        wanted = (key for key in self._needs(operation, operations) if key in present)
        return replace(operation, needs=tuple(dict.fromkeys(wanted)))

    def _needs(self, operation: Operation, operations: list[Operation]) -> Iterator[str]:
        service = operation.service
        if service is None:
            return
        if operation.action in {Action.CREATE, Action.REPLACE}:
            yield from (f"{Action.CREATE_NETWORK} {name}" for name in service.networks)
            yield from (f"{Action.CREATE_VOLUME} {name}" for name in service.volumes)
            yield f"{Action.PULL} {service.image}"
        if operation.action is Action.START:
            yield f"{Action.CREATE} {service.name}"
        if operation.action is Action.WAIT:
            yield from (f"{action} {service.name}" for action in _STARTING)
        elif operation.action is not Action.CREATE:
            yield from _dependency_needs(service)
        if operation.action not in {Action.WAIT, Action.RELOAD}:
            yield from _obstacles(operation, operations)
        if operation.action is Action.RELOAD:
            yield f"{Action.WAIT} {service.name}"


_STARTING = (Action.START, Action.RESTART, Action.RESUME, Action.RESTORE)


def _dependency_needs(service: DesiredService) -> Iterator[str]:
    for dependency in (one for one in service.depends_on if one.required):
        if dependency.condition == STARTED:
            yield from (f"{action} {dependency.service}" for action in _STARTING)
        else:
            yield f"{Action.WAIT} {dependency.service}"
        yield f"{Action.REPLACE} {dependency.service}"


def _obstacles(operation: Operation, operations: list[Operation]) -> Iterator[str]:
    """Removals of containers that have this one's name, or its ports."""
    service = operation.service
    if service is None:
        return
    ports = {(port.port, port.protocol) for port in service.ports}
    for other in operations:
        if other.action is Action.REMOVE and other.current is not None:
            held = {(port.port, port.protocol) for port in other.current.ports}
            if other.current.service == service.name or held & ports:
                yield other.key
