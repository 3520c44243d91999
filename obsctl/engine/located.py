"""Which stack a project file stands for, without rendering anything."""

from dataclasses import dataclass
from pathlib import Path

from obsctl.conventions import COMPOSE_FILE, STACK_DIRECTORY
from obsctl.engine.desired.compose import read_compose
from obsctl.engine.desired.load import load_desired
from obsctl.engine.desired.model import Desired


@dataclass(frozen=True, slots=True)
class LocatedStack:
    """`compose_file` is None where nothing is rendered yet."""

    project: str
    root: Path
    compose_file: Path | None

    def desired(self) -> Desired | None:
        """What the rendered files ask for, if there are any."""
        return load_desired(self.compose_file, self.project) if self.compose_file else None


def locate_stack(project_file: Path) -> LocatedStack:
    """The stack beside `project_file`; a broken project file is in nobody's way once rendered."""
    root = project_file.absolute().parent
    compose_file = root / STACK_DIRECTORY / COMPOSE_FILE
    if compose_file.exists():
        return LocatedStack(read_compose(compose_file).project, root, compose_file)
    from obsctl.project.load import load_project

    return LocatedStack(load_project(project_file).project.project, root, None)
