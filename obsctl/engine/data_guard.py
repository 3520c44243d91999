"""Image changes that stored data does not survive, or from which there is no way back; pure."""

import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from obsctl.engine.model import Desired
from obsctl.engine.observe import Observed
from obsctl.engine.references import split_reference
from obsctl.engine.state import State
from obsctl.errors import Problem

_VERSION: Final = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?(?:[-+].*)?")


class _Version(NamedTuple):
    major: int
    minor: int
    patch: int = 0


# The oldest Prometheus that reads what Prometheus 3 has written.
_READS_V3: Final = _Version(2, 55)


def data_risks(desired: Desired, observed: Observed, state: State) -> dict[str, Problem]:
    """By service: what the new image would do to the data in its volumes."""
    images = {name: entry.image for name, entry in state.loaded.items()}
    images |= {container.service: container.image for container in observed.containers}
    present = observed.volume_names()
    risks: dict[str, Problem] = {}
    for name, service in desired.services.items():
        volumes = [volume for volume in service.volumes if volume in present]
        risk = data_risk(images.get(name, ""), service.image) if volumes else None
        if risk:
            risks[name] = Problem(
                f"`{name}` shall change from {images[name]} to {service.image}: {risk}",
                hint=f"save the volume {', '.join(f'`{one}`' for one in volumes)} first; "
                f"then `obsctl up --accept-data-risk {name}`",
            )
    return risks


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
