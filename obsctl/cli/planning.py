"""The plan of a project file: what changes, the files that `up` would write, the operations."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from obsctl.cli.bringing_up import Wish, coming_of, placed, stale_problem
from obsctl.cli.foreseeing import SecretsAhead, secrets_ahead
from obsctl.engine.desired.coming import Coming
from obsctl.engine.planning.plan import Action, Plan
from obsctl.engine.run.patience import Patience
from obsctl.errors import Problem, RenderError
from obsctl.render.inputs import fingerprint
from obsctl.render.record import Rendered, recall

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
    secrets: SecretsAhead
    obstacles: tuple[Problem, ...] = ()  # what would stop `up` now, beside the plan's refusals

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
        yield [
            *(f"make secrets/{name}" for name in self.secrets.made),
            *(f"fetch secrets/{name} from its source" for name in self.secrets.fetched),
        ]

    def _effects(self) -> Iterator[str]:
        """What each component will notice."""
        for operation in self.plan.operations:
            if operation.action in _VERBS and (self.stale or self.gone):
                yield f"{operation.resource} {_VERBS[operation.action]}"

    def to_json(self) -> str:
        from obsctl.console import problems_as_data

        pulls = [one.resource for one in self.plan.operations if one.action is Action.PULL]
        data = {
            "summary": list(self.summary),
            "files": list(self.stale),
            "gone": list(self.gone),
            "secrets": {"make": list(self.secrets.made), "fetch": list(self.secrets.fetched)},
            "pulls": pulls,
            "obstacles": problems_as_data(self.obstacles),
        }
        return json.dumps(data | self.plan.as_data(), indent=2)


def show(planned: Planned, *, as_json: bool) -> None:
    """The plan on stdout; what would stop `up` as warnings on stderr, or within the JSON."""
    from obsctl.console import print_data, print_problems

    print_data(planned.to_json() if as_json else str(planned))
    if planned.obstacles and not as_json:
        print_problems(planned.obstacles, warn=True)


def plan_of(file: Path, wish: Wish | None = None) -> Planned:
    """Render in memory and compare with the disk and the Engine; changes neither."""
    from obsctl.engine.planning.summary import summarise

    wish = wish or Wish(Patience())
    if rendered := recall(file, fingerprint(file)):
        return _foreseen(file, rendered, Coming(), wish)
    from obsctl.cli.pipeline import build

    built = build(file)
    coming = coming_of(built)
    disk = _on_disk(built, coming.gone)
    stale = tuple(path for path, text in coming.texts.items() if disk.get(path) != text)
    gone = tuple(sorted(path for path in coming.gone if path in disk))
    # A first `up` adds everything: a list of that tells nothing.
    summary = summarise(disk, coming.texts) if disk and (stale or gone) else ()
    planned = _foreseen(file, built.summary(), coming, wish)
    refused = _refused(built.stack_directory, {*stale, *gone}, frozen=wish.frozen)
    obstacles = (*refused, *planned.obstacles)
    return replace(planned, stale=stale, gone=gone, summary=summary, obstacles=obstacles)


def _foreseen(file: Path, rendered: Rendered, coming: Coming, wish: Wish) -> Planned:
    """The Engine's part, and what would stop `up`."""
    from obsctl.engine.client import Engine
    from obsctl.engine.up import Goal

    goal = Goal.of(file.absolute().parent, rendered.project, coming, wish.at_risk)
    plan, found = goal.foresee(Engine.open())
    secrets = secrets_ahead(file, rendered, goal, wish.new_secrets)
    return Planned((), (), (), plan, secrets, (*secrets.problems, *placed(found, file)))


def _refused(directory: Path, touched: set[str], *, frozen: bool) -> tuple[Problem, ...]:
    """Why `up` would write none of these files."""
    from obsctl.render.foreign import foreign_files
    from obsctl.render.manifest import read_manifest
    from obsctl.render.write import files_in_place

    if frozen:
        return (stale_problem(directory),) if touched else ()
    try:
        return foreign_files(
            directory, read_manifest(directory), files_in_place(directory, touched)
        )
    except RenderError as error:
        return error.problems


def _on_disk(built: "Built", gone: frozenset[str]) -> Mapping[str, str]:
    found = {}
    for path in sorted({*(str(one.path) for one in built.files), *gone}):
        try:
            found[path] = (built.stack_directory / path).read_bytes().decode(errors="replace")
        except OSError:
            continue
    return found
