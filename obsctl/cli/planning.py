"""The plan of a project file: what changes, the files that `up` would write, the operations."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from obsctl.cli.bringing_up import coming_of, goal_of
from obsctl.engine.coming import Coming
from obsctl.engine.plan import Action, Plan
from obsctl.render.inputs import fingerprint
from obsctl.render.record import recall

if TYPE_CHECKING:
    from obsctl.cli.pipeline import Built

_VERBS = {
    Action.RELOAD: "reloads, and keeps running",
    Action.REPLACE: "is replaced",
    Action.CREATE: "is new",
    Action.REMOVE: "is removed",
}


@dataclass(frozen=True, slots=True)
class Planned:
    """`stale` and `gone` are the files below stack/ that `up` would write and remove."""

    stale: tuple[str, ...]
    gone: tuple[str, ...]
    summary: tuple[str, ...]
    plan: Plan

    @property
    def has_changes(self) -> bool:
        return bool(self.stale or self.gone or self.plan.changes)

    def __str__(self) -> str:
        parts = ["".join(f"{line}\n" for line in lines) for lines in self._sections() if lines]
        if self.plan.operations or not parts:
            parts.append(str(self.plan))
        return "\n".join(parts)

    def _sections(self) -> Iterator[list[str]]:
        from obsctl.cli.files import file_lines

        told = [*self.summary, *self._effects()]
        yield ["what changes", *(f"  {line}" for line in told)] if told else []
        yield [
            *file_lines("write", self.stale),
            *file_lines("remove", self.gone),
        ]

    def _effects(self) -> Iterator[str]:
        """What each component will notice."""
        for operation in self.plan.operations:
            if operation.action in _VERBS and (self.stale or self.gone):
                yield f"{operation.resource} {_VERBS[operation.action]}"

    def to_json(self) -> str:
        data = {"summary": list(self.summary), "files": list(self.stale), "gone": list(self.gone)}
        return json.dumps(data | self.plan.as_data(), indent=2)


def plan_of(file: Path) -> Planned:
    """Render in memory and compare with the disk and the Engine; changes neither."""
    from obsctl.engine.client import Engine
    from obsctl.engine.summary import summarise

    root = file.absolute().parent
    if rendered := recall(file, fingerprint(file)):
        return Planned((), (), (), goal_of(root, rendered, Coming()).plan(Engine.open()))
    from obsctl.cli.pipeline import build

    built = build(file)
    coming = coming_of(built)
    disk = _on_disk(built, coming.gone)
    stale = tuple(path for path, text in coming.texts.items() if disk.get(path) != text)
    gone = tuple(sorted(path for path in coming.gone if path in disk))
    # A first `up` adds everything: a list of that tells nothing.
    summary = summarise(disk, coming.texts) if disk and (stale or gone) else ()
    goal = goal_of(root, built.summary(), coming)
    return Planned(stale, gone, summary, goal.plan(Engine.open()))


def _on_disk(built: "Built", gone: frozenset[str]) -> Mapping[str, str]:
    found = {}
    for path in sorted({*(str(one.path) for one in built.files), *gone}):
        try:
            found[path] = (built.stack_directory / path).read_bytes().decode(errors="replace")
        except OSError:
            continue
    return found
