"""The texts of an exporter (its command and environment), and the names they are filled with."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from obsctl.catalog.model import Exporter, Kind

Place = tuple[str | int, ...]

_PLACEHOLDER: Final = re.compile(r"\[\[ *([^\[\]]*?) *\]\]")
_ABOUT_ADDRESS: Final = ("address", "host", "port")
_LOGIN: Final = ("user", "password_file")


def needs_address(exporter: Exporter) -> bool:
    """False for exporters that watch the machine they run on."""
    names = {name for _, text, _ in _texts(exporter) for name in _PLACEHOLDER.findall(text)}
    return not names.isdisjoint(_ABOUT_ADDRESS)


def filled(text: str, values: Mapping[str, str]) -> str:
    """A text of an exporter; all of its placeholders are among the values."""
    return _PLACEHOLDER.sub(lambda match: values[match[1]], text)


def unknown_placeholders(kind: Kind) -> Iterator[tuple[Place, str]]:
    """Path inside of the kind's file, and message."""
    for place, text, login in _texts(kind.exporter) if kind.exporter else ():
        known = sorted({*kind.settings, *_ABOUT_ADDRESS, *(_LOGIN if login else ())})
        for name in _PLACEHOLDER.findall(text):
            if name not in known:
                listed = ", ".join(f"`{each}`" for each in known)
                yield place, f"unknown placeholder `[[ {name} ]]`; known here: {listed}"


def _texts(exporter: Exporter) -> Iterator[tuple[Place, str, bool]]:
    """Where each stands, the text, and whether a login is there when it is filled."""
    for login, suffix, command, environment in (
        (False, "", exporter.command, exporter.environment),
        (
            True,
            "_with_credentials",
            exporter.command_with_credentials,
            exporter.environment_with_credentials,
        ),
    ):
        for index, text in enumerate(command):
            yield ("exporter", f"command{suffix}", index), text, login
        for key, text in environment.items():
            yield ("exporter", f"environment{suffix}", key), text, login
