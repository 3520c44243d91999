"""Which secrets there are, who uses them, where they come from, and how each is rotated."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from obsctl.conventions import ACCOUNTS, GRAFANA_KEY, KIBANA_KEY, SECRETS_DIRECTORY
from obsctl.health.asking.context import Context
from obsctl.health.checks.elasticsearch import USERS
from obsctl.project.derived import is_derived
from obsctl.project.sources import Source

MADE: Final = "made by obsctl"
GIVEN: Final = "yours"
ISSUED: Final = "made by Bugsink"


class Way(Enum):
    """How a secret gets a new value."""

    ACCOUNT = "the component's own API, signed in with the old value"
    USER = "elasticsearch-setup sets it; who uses it is restarted"
    RENEWED = "who uses it is restarted"
    KEY = "who uses it is restarted with both, and encrypts its data anew"
    GIVEN = "from its source or from you; who uses it is restarted"
    ISSUED = "with another project in Bugsink"
    KEPT = "not by obsctl"


# Why obsctl does not change a value that it could make up.
_KEPT: Final[Mapping[str, str]] = {
    GRAFANA_KEY: "Grafana cannot encrypt anew what it has encrypted with it",
}
_APP: Final = " (the app)"
_BY_BUGSINK: Final = "Bugsink has made it with the project; it lets one send events, nothing else"


@dataclass(frozen=True, slots=True)
class Secret:
    """`changed_at` is in epoch seconds; None without a file. `used_by` are services."""

    name: str
    way: Way
    used_by: tuple[str, ...]
    source: Source | None
    is_given: bool
    changed_at: float | None

    @property
    def origin(self) -> str:
        made = ISSUED if self.way is Way.ISSUED else MADE
        return str(self.source) if self.source else GIVEN if self.is_given else made

    @property
    def kept_because(self) -> str:
        return _BY_BUGSINK if self.way is Way.ISSUED else _KEPT.get(self.name, "")

    def anew(self, project: str) -> str:
        """What whoever must have another value of a kept one can do, and what it costs."""
        if self.way is Way.ISSUED:
            return (
                "delete the project on Bugsink's page, its issues with it; `obsctl up` makes "
                "another one with another DSN"
            )
        (user,) = self.used_by
        commands = (
            f"docker rm -f {project}-{user}-1",
            f"docker volume rm -f {project}_{user}_data",
            f"rm -f {SECRETS_DIRECTORY}/{self.name}",
            "obsctl up",
        )
        return (
            f"if it has leaked, begin with an empty one: `{' && '.join(commands)}`; what obsctl "
            f"provisions comes back, what people have made in {user.title()} itself is lost"
        )

    @property
    def can_renew(self) -> bool:
        """Whether obsctl knows where a new value comes from."""
        return not self.kept_because and (self.way is not Way.GIVEN or self.source is not None)

    @property
    def apps(self) -> tuple[str, ...]:
        """The applications that read its file, which are not obsctl's to restart."""
        return tuple(one.removesuffix(_APP) for one in self.used_by if one.endswith(_APP))

    @property
    def exporters(self) -> tuple[str, ...]:
        """The services whose exporters sign in with it."""
        if self.way is not Way.GIVEN:
            return ()
        suffix = "-exporter"
        return tuple(one.removesuffix(suffix) for one in self.used_by if one.endswith(suffix))


def inventory(
    context: Context, sources: Mapping[str, Source], given: tuple[str, ...]
) -> dict[str, Secret]:
    """Every secret of the stack by name; `given` are those that only the user can know."""
    found = {}
    for name in sorted(one for one in context.stack.secrets if not is_derived(one)):
        users = tuple(one.name for one in context.stack.services if name in one.secrets)
        way = _way(name, users, is_given=name in given)
        found[name] = Secret(
            name, way, users, sources.get(name), way is Way.GIVEN, _changed_at(context, name)
        )
    for name, apps in _dsns(context).items():
        way = Way.GIVEN if name in given else Way.ISSUED
        found[name] = Secret(
            name, way, apps, sources.get(name), way is Way.GIVEN, _changed_at(context, name)
        )
    return dict(sorted(found.items()))


def _dsns(context: Context) -> dict[str, tuple[str, ...]]:
    """The DSNs that applications read, which no container of the stack does; their users."""
    errors = context.stack.errors
    users: dict[str, tuple[str, ...]] = {}
    for one in errors.projects if errors else ():
        users[one.secret] = (*users.get(one.secret, ()), f"{one.service}{_APP}")
    return users


def _way(name: str, users: tuple[str, ...], *, is_given: bool) -> Way:
    if name in ACCOUNTS:
        return Way.ACCOUNT
    if name in _KEPT:
        return Way.KEPT
    if name == KIBANA_KEY:
        return Way.KEY
    if name in USERS:
        return Way.USER
    # What an exporter signs in with belongs to the service that it asks.
    if is_given or any(user.endswith("-exporter") for user in users):
        return Way.GIVEN
    return Way.RENEWED


def _changed_at(context: Context, name: str) -> float | None:
    try:
        return (context.secrets_directory / name).lstat().st_mtime
    except OSError:
        return None
