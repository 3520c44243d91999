"""Whether the project's containers are those of other files on this machine."""

from collections.abc import Iterator
from pathlib import Path

from obsctl.conventions import COMPOSE_FILE
from obsctl.engine.client import Engine
from obsctl.engine.desired.model import LABEL_CONFIG_FILES
from obsctl.engine.planning.observe import Container, Observed
from obsctl.errors import Problem


def other_checkouts(
    engine: Engine, observed: Observed, project: str, here: str
) -> Iterator[Problem]:
    """Where else the project's containers are run from, on this machine, than from stack/ `here`.

    Files that are gone tell that the project has moved.
    """
    others = [one for one in observed.containers if one.directory not in {"", here}]
    present = {one.directory for one in others if engine.is_local and _has_files(one)}
    for other in sorted(present):
        yield Problem(
            f"project `{project}` is run from `{other}` already",
            hint="give one of the two another `project` name, or run obsctl there "
            "if it is the same one",
        )


def _has_files(container: Container) -> bool:
    """Whether a compose file that it may have been made from is there: an application's, too."""
    labels = container.inspected.get("Config", {}).get("Labels") or {}
    named = str(labels.get(LABEL_CONFIG_FILES, "")).split(",")
    places = [Path(container.directory) / COMPOSE_FILE, *(Path(one) for one in named if one)]
    return any(place.is_file() for place in places)
