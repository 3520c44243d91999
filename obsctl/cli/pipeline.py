"""The stages before the Engine in order: load, resolve, render; shared by all commands."""

from dataclasses import dataclass
from pathlib import Path

from obsctl.conventions import CATALOG_DIRECTORY, STACK_DIRECTORY
from obsctl.project.load import LoadedProject, load_project
from obsctl.render.record import Rendered, remember
from obsctl.render.render import RenderedFile
from obsctl.stack.model import Stack


@dataclass(frozen=True, slots=True)
class Built:
    """What the project file amounts to: its model, and every file of the stack as text."""

    loaded: LoadedProject
    stack: Stack
    files: tuple[RenderedFile, ...]
    stack_directory: Path

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
        )

    def remember(self, inputs: str | None) -> None:
        """Spare the next command all this; `inputs` is the fingerprint from before it began."""
        # Which files the patterns of `dashboards` mean is not known to the fingerprint.
        if not self.loaded.project.dashboards:
            remember(self.loaded.document.path, inputs, self.files, self.summary())


def resolve_project(file: Path) -> tuple[LoadedProject, Stack]:
    """Load the project file and resolve it; raises ProjectFileError with every problem."""
    from obsctl.catalog.load import load_catalog
    from obsctl.project.dashboards import read_dashboards
    from obsctl.stack.resolve import kinds_of, resolve

    loaded = load_project(file)
    own_kinds = loaded.root / CATALOG_DIRECTORY
    extra = own_kinds if own_kinds.is_dir() else None
    catalog = load_catalog(kinds_of(loaded.project), extra)
    return loaded, resolve(loaded, catalog, read_dashboards(loaded))


def build(file: Path) -> Built:
    """Load, resolve and render; reads the project's files, writes nothing."""
    from obsctl.render.render import render

    loaded, stack = resolve_project(file)
    files = render(stack, loaded.root)
    return Built(loaded, stack, files, loaded.root / STACK_DIRECTORY)
