"""Sentry's DSNs: the address that events go to and the key that they go with, in one secret."""

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from obsctl.conventions import DOCKER_HOST_NAME, SECRETS_DIRECTORY
from obsctl.project.secret_checks import SecretProblem

_FORM: Final = re.compile(
    r"(?P<scheme>https?)://(?P<key>[A-Za-z0-9]+)(:[A-Za-z0-9]+)?@"
    r"(?P<place>(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)*)"
    r"/(?P<project>[0-9]+)"
)


@dataclass(frozen=True, slots=True)
class Dsn:
    """`origin` is scheme, host, port and path in front of the API; the key is the secret part."""

    origin: str
    project: str
    key: str = field(repr=False)

    @property
    def envelope_url(self) -> str:
        """Where the SDKs post envelopes, their key in a header."""
        return f"{self.origin}/api/{self.project}/envelope/"

    @property
    def from_here(self) -> "Dsn":
        """The same as this machine reaches it, which containers know by a name of its own."""
        return replace(self, origin=self.origin.replace(DOCKER_HOST_NAME, "127.0.0.1"))


def parse_dsn(text: str) -> Dsn | None:
    """None where a text has not the form that Sentry's SDKs take."""
    match = _FORM.fullmatch(text)
    if match is None:
        return None
    return Dsn(f"{match['scheme']}://{match['place']}", match["project"], match["key"])


def dsn_problem(root: Path, name: str) -> SecretProblem | None:
    """What is wrong with the DSN in a file under secrets/ that can be read; never tells it."""
    path = root / SECRETS_DIRECTORY / name
    if parse_dsn(path.read_text(encoding="utf-8", errors="replace")) is not None:
        return None
    return SecretProblem(
        f"the secret `{path}` is no DSN of a Sentry project",
        hint="it has the form https://KEY@HOST/PROJECT; Sentry shows it under "
        "Settings > Projects > Client Keys",
        secret=name,
    )
