"""Whether the project's containers are those of another directory on this machine."""

from collections.abc import Iterator
from pathlib import Path

from obsctl.conventions import COMPOSE_FILE
from obsctl.engine.client import Engine
from obsctl.engine.planning.observe import Observed
from obsctl.errors import Problem


def other_checkouts(
    engine: Engine, observed: Observed, project: str, here: str
) -> Iterator[Problem]:
    """Where else the project's containers are run from, on this machine, than from stack/ `here`.

    A directory that is gone tells that the project has moved.
    """
    others = {one.directory for one in observed.containers} - {"", here}
    for other in sorted(others) if engine.is_local else ():
        if (Path(other) / COMPOSE_FILE).exists():
            yield Problem(
                f"project `{project}` is run from `{other}` already",
                hint="run obsctl there, or give one of the two another `project` name",
            )
