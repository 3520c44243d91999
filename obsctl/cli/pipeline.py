"""The stages before the Engine in order: load, resolve, render; shared by all commands."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from obsctl.conventions import STACK_DIRECTORY
from obsctl.errors import Problem, ProjectFileError
from obsctl.project.dashboards import OwnDashboard, read_dashboards
from obsctl.project.findings import in_order
from obsctl.project.load import LoadedProject, load_sound_part
from obsctl.render.inputs import files_digest
from obsctl.render.record import Rendered, remember
from obsctl.render.render import RenderedFile
from obsctl.stack.model import Stack

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Built:
    """What the project file amounts to: its model, and every file of the stack as text."""

    loaded: LoadedProject
    stack: Stack
    files: tuple[RenderedFile, ...]
    stack_directory: Path
    dashboards: tuple[OwnDashboard, ...] = ()  # the project's own, as they were read

    def summary(self) -> Rendered:
        """What commands need of it once its files are written."""
        from obsctl.project import secrets
        from obsctl.stack.web import derived

        project = self.loaded.project
        return Rendered(
            project=project.project,
            files=len(self.files),
            generated_secrets=secrets.generated_names(project),
            given_secrets=secrets.given_names(project),
            endpoints=tuple((e.component, e.url, e.note) for e in self.stack.endpoints),
            sources={n: s.as_data() for n, s in secrets.sources_of(project).items()},
            derived=derived(project, self.stack.services, self.stack.web),
            patterns=project.dashboards if "grafana" not in project.stack.without else (),
            errors=self.stack.errors,
            urls=secrets.url_names(project),
        )

    def remember(self, inputs: str | None) -> None:
        """Spare the next command all this; `inputs` is the fingerprint from before it began."""
        loaded, summary = self.loaded, self.summary()
        dashboards = files_digest(loaded.root, summary.patterns)
        # An edit of one since it was read: what the hash stands for was never rendered.
        if summary.patterns and _noted(lambda: read_dashboards(loaded), []) != self.dashboards:
            return
        remember(loaded.document.path, inputs, self.files, summary, dashboards)


def resolve_project(file: Path) -> tuple[LoadedProject, Stack]:
    """Load the project file and resolve it; raises ProjectFileError with every problem."""
    loaded, stack, _ = _resolved(file)
    return loaded, stack


def _resolved(file: Path) -> tuple[LoadedProject, Stack, tuple[OwnDashboard, ...]]:
    from obsctl.catalog.files import own_catalog
    from obsctl.catalog.load import load_catalog
    from obsctl.stack.resolve import kinds_of, resolve

    loaded = load_sound_part(file)
    kinds = kinds_of(loaded.project)
    problems = list(loaded.problems)
    # Without what is broken the rest can still be checked, so that all is told at once.
    catalog = _noted(lambda: load_catalog(kinds, own_catalog(file)), problems)
    dashboards = _noted(lambda: read_dashboards(loaded), problems)
    stack = _noted(
        lambda: resolve(loaded, catalog or load_catalog(kinds), dashboards or ()), problems
    )
    if stack is None or problems:
        raise ProjectFileError(*in_order(problems))
    return loaded, stack, dashboards or ()


def _noted(stage: Callable[[], T], problems: list[Problem]) -> T | None:
    """What a stage gives; None where it has problems, which are added to the list."""
    try:
        return stage()
    except ProjectFileError as error:
        problems += error.problems
        return None


def build(file: Path) -> Built:
    """Load, resolve and render; reads the project's files, writes nothing."""
    from obsctl.render.render import render

    loaded, stack, dashboards = _resolved(file)
    files = render(stack, loaded.root)
    return Built(loaded, stack, files, loaded.root / STACK_DIRECTORY, dashboards)
