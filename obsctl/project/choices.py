"""What `obsctl init` is asked for: services, receivers and the rest, checked one by one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from obsctl.conventions import NAME_PATTERN
from obsctl.errors import Problem, UsageError
from obsctl.project.addresses import RefusedError, check_url, parse_address

# How a kind is reached: its instances serve metrics, an exporter asks it, or it is the host.
Form = Literal["targets", "address", "host"]
Part = Literal["elk", "kibana", "grafana"]

SEED_SERVICES: Final = (
    "backend=express@localhost:3000",
    "mongodb=mongodb@exporter@localhost:27017",
    "redis=redis@localhost:6379",
    "host=node",
)
SEED_PROBE: Final = "http://localhost:3000/health"
SERVICE_FORM: Final = "NAME=KIND@[USER@]HOST:PORT"

_LONGEST: Final = 63
_BESIDE: Final = "-monitoring"
_COMPOSE_FILES: Final = (
    "compose.yaml",
    "compose.yml",
    "docker-compose.yaml",
    "docker-compose.yml",
)
_USER: Final = re.compile(r"[A-Za-z0-9_.-]+")
_MAIL: Final = re.compile(r"[^\s@<>,]+@[^\s@<>,]+")
_NAME: Final = re.compile(NAME_PATTERN.strip("^$"))


@dataclass(frozen=True, slots=True)
class ServiceChoice:
    """One service to watch; `user` is the exporter's at the service."""

    name: str
    kind: str
    address: str | None = None
    user: str | None = None

    @property
    def secret(self) -> str:
        return f"{self.name}_password"


@dataclass(frozen=True, slots=True)
class SlackChoice:
    secret: str
    channel: str


@dataclass(frozen=True, slots=True)
class EmailChoice:
    to: str
    sender: str
    smarthost: str
    user: str | None = None


@dataclass(frozen=True, slots=True)
class Choices:
    """Everything that the scaffold is made from."""

    project: str
    environment: str = "production"
    services: tuple[ServiceChoice, ...] = ()
    probes: tuple[str, ...] = ()
    slack: SlackChoice | None = None
    email: EmailChoice | None = None
    webhook: str | None = None
    without: tuple[Part, ...] = ()


def parse_service(text: str) -> ServiceChoice:
    """Read `NAME=KIND`, `NAME=KIND@HOST:PORT` or `NAME=KIND@USER@HOST:PORT`."""
    name, equals, rest = text.partition("=")
    kind, *middle = rest.split("@")
    if not equals or not kind or len(middle) > 2:  # noqa: PLR2004 - USER and HOST:PORT
        raise _wrong(
            f"`{text}` is no service", f"write `{SERVICE_FORM}`, such as {SEED_SERVICES[0]}"
        )
    address = middle[-1] if middle else None
    user = middle[0] if len(middle) > 1 else None
    check_name(name, "service")
    if address is not None:
        _checked_address(text, address)
    if user is not None and not _USER.fullmatch(user):
        raise _wrong(f"`{user}` is no user name", "letters, digits, `.`, `-` and `_`")
    return ServiceChoice(name, kind, address, user)


def parse_probe(text: str) -> str:
    """A URL to probe."""
    try:
        check_url(text)
    except RefusedError as error:
        raise _wrong(f"the probe `{text}`: {error.message}", error.hint) from None
    return text


def check_name(name: str, noun: str) -> str:
    """Raises UsageError unless `name` fits the project file."""
    if not _NAME.fullmatch(name):
        raise _wrong(
            f"`{name}` is no name for a {noun}", "`a-z`, `0-9`, `-` and `_`, at most 63 characters"
        )
    return name


def check_services(services: tuple[ServiceChoice, ...], forms: Mapping[str, Form]) -> None:
    """Raises UsageError where a service lacks what its kind (in `forms`) needs, or a name twice."""
    seen: set[str] = set()
    for service in services:
        form = forms[service.kind]
        if service.name in seen:
            raise _wrong(f"two services are called `{service.name}`")
        seen.add(service.name)
        if form == "host" and service.address is not None:
            raise _wrong(f"kind `{service.kind}` watches the Docker host and takes no address")
        if form != "host" and service.address is None:
            example = f"{service.name}={service.kind}@localhost:PORT"
            raise _wrong(f"`{service.name}` needs an address", f"write `{example}`")
        if form == "targets" and service.user is not None:
            raise _wrong(f"kind `{service.kind}` takes no user name")


def check_mail(text: str) -> None:
    """Raises UsageError unless `text` is an e-mail address."""
    if not _MAIL.fullmatch(text):
        raise _wrong(f"`{text}` is no e-mail address")


def check_smarthost(text: str) -> None:
    """Raises UsageError unless `text` is host:port."""
    _checked_address(text, text)


def name_from(text: str) -> str:
    """A valid project name out of a directory's."""
    name = re.sub(r"[^a-z0-9_-]+", "-", text.lower())[:_LONGEST].strip("-_")
    return name or "project"


def name_for(directory: Path) -> str:
    """The project name to propose: the directory's, unless Compose calls an application so."""
    name = name_from(directory.name)
    return beside(name) if any((directory / one).exists() for one in _COMPOSE_FILES) else name


def beside(name: str) -> str:
    """A name for what watches the application of this name."""
    return f"{name[: _LONGEST - len(_BESIDE)]}{_BESIDE}"


def _checked_address(text: str, address: str) -> None:
    try:
        parse_address(address)
    except RefusedError as error:
        raise _wrong(f"`{text}`: {error.message}", error.hint) from None


def _wrong(message: str, hint: str | None = None) -> UsageError:
    return UsageError(Problem(message, hint=hint))
