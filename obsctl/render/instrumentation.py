"""The generated code of each application: the templates of its kind, under its own name."""

from collections.abc import Iterable, Iterator
from typing import Final

from obsctl.conventions import APP_PACKAGES, GENERATED_HEADER
from obsctl.render.environment import Templates
from obsctl.stack.model import Instrumentation

FOLDER: Final = "instrumentation/"


def applications(
    found: Iterable[Instrumentation], templates: Templates
) -> Iterator[tuple[str, str]]:
    """Path below stack/, and text, of every file of every application."""
    for app in found:
        for name, text in application(app, templates):
            yield f"{FOLDER}{app.service}/{name}", text


def application(app: Instrumentation, templates: Templates) -> Iterator[tuple[str, str]]:
    """File name and text of an application's own files."""
    prefix = f"{FOLDER}{app.templates}/"
    context = {"header": GENERATED_HEADER, "app": app, "packages": APP_PACKAGES[app.templates]}
    for name in sorted({*templates.built_in, *templates.own}):
        if name.startswith(prefix):
            yield name.removeprefix(prefix), templates.render(name, context)
