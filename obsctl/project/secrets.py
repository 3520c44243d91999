"""The secrets of a project: which there are, who makes them; made once, never overwritten."""

import os
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from obsctl.conventions import (
    BUGSINK_KEY,
    BUGSINK_PASSWORD,
    BUGSINK_TOKEN,
    GRAFANA_KEY,
    KIBANA_KEY,
    SECRETS_DIRECTORY,
)
from obsctl.errors import Problem
from obsctl.project import secret_checks
from obsctl.project.once import write_once
from obsctl.project.secret_files import FILE_MODE, opened

if TYPE_CHECKING:
    # What only checks or makes files does without the schema, which takes long to import.
    from obsctl.project.schema import Project, Section
    from obsctl.project.sources import Source

_IGNORE_FILE: Final = ".gitignore"
_IGNORE_MODE: Final = 0o644
_OF_BUGSINK: Final = (BUGSINK_PASSWORD, BUGSINK_TOKEN, BUGSINK_KEY)


def generated_names(project: "Project") -> tuple[str, ...]:
    """Secrets that obsctl makes up: the stack's own, and the exporters' passwords.

    Those of receivers are given by others: a webhook's URL cannot be made up.
    """
    names = set(own_names(project))
    for section in (*project.services.values(), project.stack):
        names.update(_references(section))
    return tuple(sorted(names - set(given_names(project))))


def own_names(project: "Project") -> frozenset[str]:
    """Secrets of the stack's own components, whose names are not the project file's to choose."""
    has_bugsink = project.errors is not None and project.errors.bugsink is not None
    own = _of_the_stack(frozenset(project.stack.without))
    return frozenset((*own, *(_OF_BUGSINK if has_bugsink else ())))


def _of_the_stack(without: frozenset[str]) -> Iterator[str]:
    has_grafana, has_logs = "grafana" not in without, "elk" not in without
    if has_grafana:
        yield from ("grafana_admin_password", GRAFANA_KEY)
    if has_logs:
        yield from ("elastic_password", "es_exporter_password", "logstash_writer_password")
    if has_logs and has_grafana:
        yield "grafana_reader_password"
    if has_logs and "kibana" not in without:
        yield from (KIBANA_KEY, "kibana_system_password")


def given_names(project: "Project") -> tuple[str, ...]:
    """Secrets that the user brings: those of receivers, and the DSN of a Sentry."""
    sections = (project.notifications, *((project.errors,) if project.errors else ()))
    return tuple(sorted({name for section in sections for name in _references(section)}))


def url_names(project: "Project") -> tuple[str, ...]:
    """The secrets of receivers that are addresses."""
    ways = (way for one in project.notifications.receivers.values() for _, way in one)
    found = (getattr(way, field, None) for way in ways for field in ("webhook_url", "url_secret"))
    return tuple(sorted({one.secret for one in found if one is not None}))


def generate(root: Path, names: Iterable[str]) -> tuple[str, ...]:
    """Make the missing ones of `names` under root/secrets; returns those made.

    Existing files stay as they are, whatever they hold. Where one cannot be made, none is:
    RenderError; ProjectFileError for a directory that cannot hold secrets.
    """
    made: list[str] = []
    with opened(root) as directory:
        try:
            for name in (_IGNORE_FILE, *sorted(set(names))):
                content = b"*\n" if name == _IGNORE_FILE else made_up(name)
                mode = _IGNORE_MODE if name == _IGNORE_FILE else FILE_MODE
                if write_once(directory, name, content, mode):
                    made.append(name)
        except OSError:
            for name in made:
                os.unlink(name, dir_fd=directory)
            raise
    return tuple(name for name in made if name != _IGNORE_FILE)


def made_up(name: str) -> bytes:
    """A new strong value, in the form that the component of this secret takes."""
    import secrets as random

    if name == BUGSINK_TOKEN:
        return random.token_hex(20).encode()  # it takes tokens of this form only
    # Bugsink does not start with a key of fewer than 50 characters.
    return random.token_urlsafe(48 if name == BUGSINK_KEY else 32).encode()


def sources_of(project: "Project") -> "dict[str, Source]":
    """Where secrets come from, by name; those that are not here are files of their own."""
    from obsctl.project.sources import Source

    dumps = {name: one.model_dump(by_alias=True) for name, one in project.secrets.items()}
    forms = ({kind: x for kind, x in one.items() if x is not None} for one in dumps.values())
    return dict(zip(dumps, map(Source.of, forms), strict=True))


def missing(root: Path, names: Iterable[str]) -> tuple[str, ...]:
    """Those of `names` that have no file yet."""
    folder = root / SECRETS_DIRECTORY
    return tuple(name for name in sorted(set(names)) if not os.path.lexists(folder / name))


def check(
    root: Path,
    names: Iterable[str],
    given: Iterable[str] = (),
    *,
    makes_directory: bool = False,
) -> tuple[Problem, ...]:
    """What is wrong with the directory and the files of `names`; never tells a value.

    `given` are those that the user brings; they decide what a hint advises. A directory that
    whoever asks `makes_directory` before it matters may be missing.
    """
    own = frozenset(given)

    def remedy(name: str) -> str:
        # It knows which of them cannot just be made.
        make = "run `obsctl up`"
        return f"run `{how_to_give(name, root)}`" if name in own else make

    return secret_checks.check(root, names, remedy, makes_directory=makes_directory)


def how_to_give(name: str, root: Path) -> str:
    """The command that stores a secret without showing it, or leaving it in the history."""
    path = shlex.quote(str(shown(root / SECRETS_DIRECTORY) / name))
    return f'read -rs V && printf %s "$V" | install -m 444 /dev/stdin {path}'


def shown(path: Path) -> Path:
    """As it is reached from where the command runs, where it is below that."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _references(section: "Section") -> Iterator[str]:
    """Names of all secrets that a section refers to."""
    for _, value in section:
        yield from _references_in(value)


def _references_in(value: object) -> Iterator[str]:
    from obsctl.project.schema import SecretReference, Section

    if isinstance(value, SecretReference):
        yield value.secret
    elif isinstance(value, Section):
        yield from _references(value)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _references_in(item)
