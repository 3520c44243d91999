"""What `obsctl instrument` prints or writes: the files of one application."""

import json
from collections.abc import Mapping
from pathlib import Path

from obsctl.cli.pipeline import resolve_project
from obsctl.console import print_data, print_note
from obsctl.conventions import PROJECT_FILE
from obsctl.engine.run.files import write_atomically
from obsctl.errors import Problem, ProjectFileError, UsageError, system_words
from obsctl.render.environment import Templates
from obsctl.render.instrumentation import application
from obsctl.stack.model import Instrumentation

_MODE = 0o644


def find_app(kind: str, service: str, file: Path | None) -> tuple[Instrumentation, Path]:
    """The service that is meant and the project's directory.

    Without a project file, an app with the names that the kind has by default.
    """
    path = file or Path(PROJECT_FILE)
    if file is None and not path.exists():
        print_note(f"no {PROJECT_FILE} here: names are those of the kind `{kind}` by default")
        return _default_app(kind, service or "app"), path.absolute().parent
    loaded, stack = resolve_project(path)
    found = {app.service: app for app in stack.instrumentation if app.templates == kind}
    return _chosen(found, kind, service), loaded.root


def _chosen(found: Mapping[str, Instrumentation], kind: str, service: str) -> Instrumentation:
    names = ", ".join(f"`{name}`" for name in found)
    if service in found:
        return found[service]
    if service:
        hint = f"of that kind are {names}" if found else f"no service is of the kind `{kind}`"
        raise UsageError(Problem(f"no service `{service}` of the kind `{kind}`", hint=hint))
    if len(found) != 1:
        hint = f"choose one with `--service`: {names}" if found else "add it under `services`"
        many = "several services are" if found else "no service is"
        raise UsageError(Problem(f"{many} of the kind `{kind}`", hint=hint))
    return next(iter(found.values()))


def _default_app(kind: str, service: str) -> Instrumentation:
    from obsctl.catalog.load import load_catalog
    from obsctl.project.document import parse_document
    from obsctl.project.load import check_document
    from obsctl.stack.resolve import kinds_of, resolve

    services = {service: {"kind": kind, "targets": ["localhost:3000"]}}
    text = json.dumps({"version": 1, "project": "app", "services": services})
    try:
        loaded = check_document(parse_document(text, Path(PROJECT_FILE)))
    except ProjectFileError as error:  # the name is all that can be wrong
        raise UsageError(*(Problem(problem.message) for problem in error.problems)) from None
    return resolve(loaded, load_catalog(kinds_of(loaded.project))).instrumentation[0]


def code(app: Instrumentation, root: Path) -> dict[str, str]:
    """File name -> text."""
    return dict(application(app, Templates(root)))


def show(files: Mapping[str, str]) -> None:
    """All files on stdout, each below a line with its name."""
    print_data("\n".join(f"==> {name} <==\n{text}" for name, text in files.items()).rstrip("\n"))


def store(files: Mapping[str, str], directory: Path, *, force: bool) -> None:
    """Write what is not there yet; what is there and differs is refused, or said to be lost."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        present = {name: _content(directory / name) for name in files}
        differing = [name for name in files if present[name] not in (None, files[name].encode())]
        if differing and not force:
            hint = "move it away, or overwrite it with `--force`"
            refused = (f"`{directory / name}` exists and differs" for name in differing)
            raise UsageError(*(Problem(message, hint=hint) for message in refused))
        for name, text in files.items():
            if present[name] != text.encode():
                write_atomically(directory / name, text, mode=_MODE)
                print_note(f"{'overwrote' if name in differing else 'wrote'} {directory / name}")
    except OSError as error:
        message = f"`{error.filename or directory}` cannot be written: {system_words(error)}"
        raise UsageError(Problem(message, hint="name another directory with `--output`")) from None
    print_note(f"{len(files)} files in {directory}; README.md says which lines to add to the app")


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
