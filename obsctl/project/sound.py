"""What is left of a project file without its problems, so that later stages can tell theirs."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from obsctl.project.document import KeyPath
from obsctl.project.known_keys import is_misspelt
from obsctl.project.schema import Project

# How far a fault reaches where it is not the whole section: a service's setting, an alert.
_REACH: Final = {"services": 3, "alerts": 2, "slo": 2}
# What may speak of any service, and so of one that has lost a part here.
_ABOUT_SERVICES: Final = (("rules",), ("dashboards",), ("slo",))
_HEAD: Final = {"version": 1, "project": "project"}


@dataclass(frozen=True, slots=True)
class SoundPart:
    """A valid project, and the places of which it cannot tell what is wrong there."""

    project: Project
    muted: tuple[KeyPath, ...]


def sound_part(data: Any, faults: Iterable[KeyPath]) -> SoundPart | None:  # noqa: ANN401 - a YAML document
    """The project without what is at `faults`; None where a service cannot stand without it."""
    if not isinstance(data, dict) or is_misspelt(data, ("services",)):
        return None
    rest, muted = data, set[KeyPath]()
    for path in faults:
        place = path[: _REACH.get(str(path[0]), 1)] if path else path
        muted.add(place)
        rest = _without(rest, place)
    if any(place[:1] == ("services",) for place in muted):
        muted.update(_ABOUT_SERVICES)
    try:
        project = Project.model_validate(_HEAD | rest, by_alias=True, by_name=False)
    except ValidationError:
        return None
    return SoundPart(project, tuple(muted)) if list(project.services) == _services(data) else None


def _without(data: Any, path: KeyPath) -> Any:  # noqa: ANN401 - likewise
    if not isinstance(data, dict) or not path or path[0] not in data:
        return data
    name, *below = path
    if not below:
        return {key: value for key, value in data.items() if key != name}
    return {**data, name: _without(data[name], tuple(below))}


def _services(data: dict[str, Any]) -> list[str]:
    services = data.get("services")
    return list(services) if isinstance(services, dict) else []
