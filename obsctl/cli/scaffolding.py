"""What `obsctl init` writes, in an order that an interruption cannot spoil; and what is left."""

import os
from collections.abc import Sequence
from pathlib import Path

from obsctl.catalog.exporter_text import needs_address
from obsctl.catalog.files import STACK_KINDS, available_kinds, own_catalog
from obsctl.catalog.load import load_catalog
from obsctl.cli.interview import Given, choose
from obsctl.cli.pipeline import build
from obsctl.console import can_ask, print_note
from obsctl.errors import Problem, ProjectFileError, RenderError, UsageError, unwritable
from obsctl.project import secrets
from obsctl.project.choices import Form, ServiceChoice, check_services, name_for
from obsctl.project.derived import derive
from obsctl.project.document import parse_document
from obsctl.project.load import LoadedProject, check_document, load_project
from obsctl.project.once import write_once
from obsctl.project.scaffold import ignore_text, login_command, project_text
from obsctl.stack.checks import kind_hint
from obsctl.stack.model import Stack
from obsctl.stack.resolve import kinds_of, resolve
from obsctl.stack.web import derived


def create(file: Path, given: Given, *, asks: bool) -> None:
    """Write the project file and what belongs to it; raises UsageError where it exists."""
    root = file.absolute().parent
    _refuse_existing(file)

    def fits(services: tuple[ServiceChoice, ...]) -> None:
        check_services(services, _forms(services, file))

    choices = choose(given, name_for(root), fits, asks=asks and can_ask())
    forms = _forms(choices.services, file)
    text = project_text(choices, forms)
    loaded, stack = _checked(text, file)
    made = secrets.generate(root, secrets.generated_names(loaded.project))
    _ignore(root)
    # Last, so that an interrupted init can simply be run again.
    if not _write_once(file, text):
        _refuse_existing(file)
    print_note(f"wrote {file}")
    _say_what_was_made(made)
    derive(root, derived(loaded.project, stack.services, stack.web))
    _say_what_is_left(loaded, choices.services)


def complete(file: Path, given: Given) -> None:
    """Make the missing secrets of a project file that is there already."""
    if given != Given():
        raise UsageError(Problem("`--secrets-only` takes no other option than `--file`"))
    loaded = load_project(file)
    _say_what_was_made(secrets.generate(loaded.root, secrets.generated_names(loaded.project)))
    _say_what_was_made(derive(loaded.root, build(file).summary().derived))
    _ignore(loaded.root)
    _say_what_is_left(loaded, ())


def _refuse_existing(file: Path) -> None:
    if os.path.lexists(file):
        hint = "`obsctl init --secrets-only` makes its missing secrets"
        raise UsageError(Problem(f"`{file}` exists already and was left as it is", hint=hint))
    try:
        is_there = file.absolute().parent.is_dir()
    except PermissionError:
        raise UsageError(Problem(f"no permission to enter `{file.parent}`")) from None
    if not is_there:
        raise UsageError(Problem(f"the directory `{file.parent}` does not exist"))


def _forms(services: Sequence[ServiceChoice], file: Path) -> dict[str, Form]:
    """How each kind is reached, as the catalogue knows it."""
    extra = own_catalog(file)
    kinds = load_catalog([service.kind for service in services], extra).kinds
    forms: dict[str, Form] = {}
    for service in services:
        if service.kind not in kinds or service.kind in STACK_KINDS:
            hint = kind_hint(service.kind, available_kinds(extra))
            raise UsageError(Problem(f"unknown kind `{service.kind}`", hint=hint))
        exporter = kinds[service.kind].exporter
        if exporter is None:
            forms[service.kind] = "targets"
        else:
            forms[service.kind] = "address" if needs_address(exporter) else "host"
    return forms


def _checked(text: str, file: Path) -> tuple[LoadedProject, Stack]:
    """What a text that is not written yet amounts to; its faults are those of the options."""
    try:
        loaded = check_document(parse_document(text, file))
        catalog = load_catalog(kinds_of(loaded.project), own_catalog(file))
        stack = resolve(loaded, catalog)
    except ProjectFileError as error:
        # Places in a file that was never written would point nowhere.
        problems = (Problem(problem.message, hint=problem.hint) for problem in error.problems)
        raise UsageError(*problems) from None
    return loaded, stack


def _write_once(file: Path, text: str) -> bool:
    try:
        directory = os.open(file.absolute().parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            return write_once(directory, file.name, text.encode(), 0o644)
        finally:
            os.close(directory)
    except OSError as error:
        raise RenderError(unwritable(file, error)) from None


def _ignore(root: Path) -> None:
    """Add what must not be committed to .gitignore, once."""
    path = root / ".gitignore"
    try:
        existing = path.read_text("utf-8", "replace") if path.exists() else ""
        if addition := ignore_text(existing):
            with path.open("a", encoding="utf-8") as stream:
                stream.write(addition)
            print_note(f"added {', '.join(addition.split())} to .gitignore")
    except OSError as error:
        raise RenderError(unwritable(path, error)) from None


def _say_what_was_made(made: Sequence[str]) -> None:
    if made:
        print_note("made secrets/: " + ", ".join(made))


def _say_what_is_left(loaded: LoadedProject, services: Sequence[ServiceChoice]) -> None:
    for name in secrets.missing(loaded.root, secrets.given_names(loaded.project)):
        print_note(f"\nto do: store the secret `{name}`; type or paste its value after")
        print_note(f"  {secrets.how_to_give(name, loaded.root)}")
    for service in services:
        if command := login_command(service):
            print_note(f"\nto do: create the user `{service.user}` of `{service.name}` with")
            print_note(f"  {command}")
    print_note("\nnext: obsctl up")
