"""Secrets whose files are gone while what was made with them is still there; pure."""

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from obsctl.conventions import ACCOUNTS, GRAFANA_KEY, KIBANA_KEY, SECRETS_DIRECTORY
from obsctl.engine.desired.model import Desired
from obsctl.engine.planning.observe import Container, Observed
from obsctl.project.secret_checks import SecretProblem
from obsctl.project.secrets import how_to_give, shown

_ELASTIC, _GRAFANA_ADMIN = ACCOUNTS
# The services with a volume each that are there once the secret was used; the first has the data.
_USED_BY: Final = {
    _ELASTIC: ("elasticsearch",),
    _GRAFANA_ADMIN: ("grafana",),
    GRAFANA_KEY: ("grafana",),
    KIBANA_KEY: ("elasticsearch", "kibana"),
}
_EXPORTER: Final = "-exporter"
# Its account is in the stack's own Elasticsearch, where elasticsearch-setup sets it again.
_SET_AGAIN: Final = "es_exporter_password"


@dataclass(frozen=True, slots=True)
class LostSecret(SecretProblem):
    """A secret that cannot be made anew as if it had never been; `can_renew` where it can be."""

    can_renew: bool = True


def lost_secrets(
    desired: Desired, observed: Observed, missing: Iterable[str]
) -> tuple[LostSecret, ...]:
    """Those of the `missing` without which data or a login of before cannot be used."""
    look = _Look(desired, observed)
    found = (look.bound(name) or look.known_elsewhere(name) for name in sorted(set(missing)))
    return tuple(one for one in found if one)


@dataclass(frozen=True, slots=True)
class _Look:
    desired: Desired
    observed: Observed

    def bound(self, name: str) -> LostSecret | None:
        """Where the stack's own data depend on it."""
        services = _USED_BY.get(name, ())
        volumes = [volume for one in services if (volume := self._volume(one))]
        if not services or len(volumes) < len(services):
            return None
        volume = volumes[0]
        if name in ACCOUNTS:
            return _account(name, services[0], volume)
        return self._key(name, services[-1], volume)

    def _volume(self, service: str) -> str | None:
        """The first volume of a service, which has its data, if the Engine has it for us."""
        wanted = self.desired.services.get(service)
        first = wanted.volumes[0] if wanted and wanted.volumes else ""
        volume = self.desired.volumes.get(first)
        owners = {one.project for one in self.observed.volumes if one.name == first}
        is_ours = self.desired.project in owners or (volume and volume.external and owners)
        return first if is_ours else None

    def _key(self, name: str, service: str, volume: str) -> LostSecret:
        container = self.desired.services[service].container
        back = "put the file back from a backup"
        if any(one.name == container and one.is_running for one in self.observed.containers):
            folder = shown(self.desired.file.parent.parent / SECRETS_DIRECTORY)
            place, made = (shlex.quote(str(one)) for one in (folder / name, folder))
            back = (
                f"take it from the container that runs with it: `mkdir -p -m 700 {made} && "
                f"docker exec {container} cat /run/secrets/{name} | install -m 444 /dev/stdin "
                f"{place}`"
            )
        if name == GRAFANA_KEY:
            begin = f"docker rm -f {container} && docker volume rm -f {volume} && obsctl up"
            return _lost(
                name,
                f"Grafana has encrypted with it what is in the volume `{volume}`",
                f"{back}; if it is lost for good, begin with an empty Grafana: `{begin}`; what "
                "obsctl provisions comes back, what people have made in Grafana itself is lost",
                can_renew=False,
            )
        return _lost(
            name,
            f"Kibana has encrypted with it what is in the volume `{volume}`",
            f"{back}; `{_renew(name)}` goes on with a new one: then the secrets of Kibana's "
            "connectors have to be typed in again, and its rules be switched off and on",
        )

    def known_elsewhere(self, name: str) -> LostSecret | None:
        """Where an exporter signs in with it to a service that is not of the stack."""
        target, root = f"/run/secrets/{name}", self.desired.file.parent.parent
        for one in self.observed.containers:
            if name != _SET_AGAIN and one.service.endswith(_EXPORTER) and _mounts(one, target):
                return _lost(
                    name,
                    f"`{one.service}` has signed in with it",
                    f"run `{how_to_give(name, root)}` with the password that is in force there; or "
                    f"`{_renew(name)}` makes a new one, for you to set there",
                )
        return None


def _account(name: str, service: str, volume: str) -> LostSecret:
    component = service.title()
    return _lost(
        name,
        f"{component} keeps that password in the volume `{volume}`",
        f"put the file back from a backup; or `{_renew(name)}` makes a new one and sets it in "
        f"{component}, where no data are lost",
    )


def _lost(name: str, why: str, hint: str, *, can_renew: bool = True) -> LostSecret:
    words = f"`{SECRETS_DIRECTORY}/{name}` is gone, and {why}"
    return LostSecret(words, hint=hint, secret=name, can_renew=can_renew)


def _renew(name: str) -> str:
    return f"obsctl up --new-secret {name}"


def _mounts(container: Container, target: str) -> bool:
    mounts = container.inspected.get("Mounts") or ()
    return any(mount.get("Destination") == target for mount in mounts)
