"""Which of a service's containers is which: the one in use, its successor, its predecessor."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from obsctl.engine.desired.model import Desired
from obsctl.engine.planning.observe import Container, Observed

NEXT: Final = "_next"
PREVIOUS: Final = "_previous"


@dataclass(frozen=True, slots=True)
class Slots:
    """Told apart by name alone, so that no journal is needed to go on after a crash."""

    main: Container | None = None
    next: Container | None = None
    previous: Container | None = None


def sort_into_slots(
    desired: Desired, observed: Observed
) -> tuple[dict[str, Slots], list[tuple[Container, str]]]:
    """Slots by service, and the project's other containers with why they have to go."""
    slots: dict[str, Slots] = {}
    for name, service in desired.services.items():
        by_name = {one.name: one for one in observed.containers if one.service == name}
        slots[name] = Slots(
            by_name.get(service.container),
            by_name.get(service.container + NEXT),
            by_name.get(service.container + PREVIOUS),
        )
    placed = {
        container.id
        for slot in slots.values()
        for container in (slot.main, slot.next, slot.previous)
        if container
    }
    strays = _strays(desired, (one for one in observed.containers if one.id not in placed))
    return slots, strays


def _strays(desired: Desired, containers: Iterable[Container]) -> list[tuple[Container, str]]:
    return [
        (
            container,
            "a second container of the service"
            if container.service in desired.services
            else "its service is not in the compose file any more",
        )
        for container in containers
    ]
