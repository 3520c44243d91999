"""The plan of a project file: the files that `up` would write, and the Engine's operations."""

import json
from dataclasses import dataclass
from pathlib import Path

from obsctl.cli.pipeline import build
from obsctl.conventions import COMPOSE_FILE, STACK_DIRECTORY
from obsctl.engine.plan import Plan


@dataclass(frozen=True, slots=True)
class Planned:
    """`stale` are the files below stack/ that differ from what would be rendered."""

    stale: tuple[str, ...]
    plan: Plan

    @property
    def has_changes(self) -> bool:
        return bool(self.stale or self.plan.changes)

    def __str__(self) -> str:
        written = "".join(f"write {STACK_DIRECTORY}/{path}\n" for path in self.stale)
        return written + str(self.plan) if not written or self.plan.operations else written

    def to_json(self) -> str:
        return json.dumps({"files": list(self.stale), **self.plan.as_data()}, indent=2)


def plan_of(file: Path) -> Planned:
    """Render in memory and compare with the disk and the Engine; changes neither."""
    from obsctl.engine.client import Engine
    from obsctl.engine.desired import load_desired
    from obsctl.engine.up import make_plan

    built = build(file)
    texts = {str(one.path): one.text for one in built.files}
    project = built.loaded.project.project
    desired = load_desired(built.stack_directory / COMPOSE_FILE, project, texts)
    stale = tuple(
        path for path, text in texts.items() if not _is(built.stack_directory, path, text)
    )
    return Planned(stale, make_plan(Engine.open(), desired, built.loaded.root))


def _is(directory: Path, path: str, text: str) -> bool:
    try:
        return (directory / path).read_bytes() == text.encode()
    except OSError:
        return False
