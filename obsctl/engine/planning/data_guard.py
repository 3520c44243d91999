"""Image changes that stored data does not survive, or has no way back from; pure."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from obsctl.engine.desired.model import Desired
from obsctl.engine.desired.references import split_reference
from obsctl.engine.planning.observe import Observed
from obsctl.engine.planning.plan import Action, Operation, Plan
from obsctl.engine.planning.slots import PREVIOUS
from obsctl.engine.run.state import State
from obsctl.errors import Problem

_VERSION: Final = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?(?:[-+].*)?")


class _Version(NamedTuple):
    major: int
    minor: int
    patch: int = 0


# The oldest Prometheus that reads what Prometheus 3 has written.
_READS_V3: Final = _Version(2, 55)


@dataclass(frozen=True, slots=True)
class DataRisk:
    """`words` say what the change of the image does to the data in `volumes`."""

    service: str
    old_image: str
    new_image: str
    words: str
    volumes: tuple[str, ...]

    def refusal(self) -> Problem:
        """Without the old container there is nothing to go back to."""
        listed = ", ".join(f"`{one}`" for one in self.volumes)
        return Problem(
            f"`{self.service}` shall change from {self.old_image} to {self.new_image}: "
            f"{self.words}",
            hint=f"bring it up with {self.old_image} first, so that obsctl can go back, or save "
            f"the volume {listed} and then `obsctl up --accept-data-risk {self.service}`",
        )


def guarded(plan: Plan, risks: Mapping[str, DataRisk], accepted: Collection[str]) -> Plan:
    """The plan with volumes saved before what puts their data at risk, unless that is accepted.

    What has no old container to go back to is refused.
    """
    open_ = {name: risk for name, risk in risks.items() if name not in accepted}
    replaced = {one.resource for one in plan.operations if one.action is Action.REPLACE}
    operations = tuple(_saving(one, open_.get(one.resource)) for one in plan.operations)
    refusals = tuple(risk.refusal() for name, risk in open_.items() if name not in replaced)
    return replace(plan, operations=operations, refusals=refusals)


def _saving(operation: Operation, risk: DataRisk | None) -> Operation:
    if risk is None or operation.action is not Action.REPLACE:
        return operation
    return replace(operation, cause=f"{operation.cause}: {risk.words}", saves=risk.volumes)


def data_risks(desired: Desired, observed: Observed, state: State) -> dict[str, DataRisk]:
    """By service: what the new image would do to the data in its volumes."""
    images = {name: entry.image for name, entry in state.loaded.items()}
    images |= _images(desired, observed)
    present = observed.volume_names()
    risks: dict[str, DataRisk] = {}
    for name, service in desired.services.items():
        volumes = tuple(volume for volume in service.volumes if volume in present)
        risk = data_risk(images.get(name, ""), service.image) if volumes else None
        if risk:
            risks[name] = DataRisk(name, images[name], service.image, risk, volumes)
    return risks


def _images(desired: Desired, observed: Observed) -> dict[str, str]:
    """What last wrote the data of each service; a successor that was only made has not."""
    by_name = {container.name: container.image for container in observed.containers}
    names = {service.name: service.container for service in desired.services.values()}
    writers = ((key, (name + PREVIOUS, name)) for key, name in names.items())
    return {
        key: by_name[found]
        for key, candidates in writers
        if (found := next((one for one in candidates if one in by_name), None))
    }


def data_risk(old_image: str, new_image: str) -> str | None:
    """What the change of a stateful component's image does to its data; None when nothing.

    Tags are all there is to judge by: what has no version (`latest`, a digest) is let through.
    """
    name = _name(new_image)
    old, new = _version(old_image), _version(new_image)
    rule = _RULES.get(name)
    if rule is None or name != _name(old_image) or old is None or new is None or old == new:
        return None
    return rule(old, new)


def _prometheus(old: _Version, new: _Version) -> str | None:
    if old.major > _READS_V3.major and new < _READS_V3:
        return "older than 2.55 it cannot read the data of Prometheus 3"
    if old < _READS_V3 and new.major > _READS_V3.major:
        return "once Prometheus 3 has written its data, this old version cannot read it any more"
    return None


def _elastic(old: _Version, new: _Version) -> str | None:
    if new < old:
        return "it does not start on the data of a newer version"
    if new.major > old.major + 1:
        return "it reads the data of the major version before it, and of none older"
    if new.major > old.major:
        return "it converts its data, and the old version does not start on it any more"
    return None


def _grafana(old: _Version, new: _Version) -> str | None:
    if new[:2] < old[:2]:
        return "its database has been migrated for the newer version, and not back"
    if new.major > old.major:
        return "it migrates its database, and the old version may not start on it any more"
    return None


_RULES: Final[Mapping[str, Callable[[_Version, _Version], str | None]]] = {
    "prometheus": _prometheus,
    "elasticsearch": _elastic,
    "kibana": _elastic,
    "grafana": _grafana,
    "grafana-oss": _grafana,
    "grafana-enterprise": _grafana,
}


def _name(image: str) -> str:
    return split_reference(_tagged(image))[0].rpartition("/")[2]


def _version(image: str) -> _Version | None:
    match = _VERSION.fullmatch(split_reference(_tagged(image))[1])
    return _Version(*(int(part or 0) for part in match.groups())) if match else None


def _tagged(image: str) -> str:
    """Without the digest that may follow the tag."""
    return image.partition("@")[0]
