"""Whether the project's containers are those of other files."""

from collections.abc import Iterator
from pathlib import Path

from obsctl.conventions import COMPOSE_FILE, LABEL_SPEC_HASH
from obsctl.engine.client import Engine
from obsctl.engine.desired.model import LABEL_CONFIG_FILES
from obsctl.engine.planning.observe import Container, Observed
from obsctl.errors import Problem


def other_checkouts(
    engine: Engine, observed: Observed, project: str, here: str
) -> Iterator[Problem]:
    """Where else the project's containers are run from than from stack/ `here`.

    An application may have the project's name as well. Rendered files that are gone, or on
    another machine, tell that the project has moved.
    """
    others = [one for one in observed.containers if one.directory not in {"", here}]
    apart = {
        one.directory
        for one in others
        if not _is_rendered(one) or (engine.is_local and _has_files(one))
    }
    for other in sorted(apart):
        yield Problem(
            f"project `{project}` is run from `{other}` already",
            hint="give one of the two another `project` name, or run obsctl there "
            "if it is the same one",
        )


def _is_rendered(container: Container) -> bool:
    """Whether it was made from a file that obsctl has rendered, by whomever."""
    return LABEL_SPEC_HASH in container.labels


def _has_files(container: Container) -> bool:
    """Whether a compose file that it may have been made from is there: an application's, too."""
    named = container.labels.get(LABEL_CONFIG_FILES, "").split(",")
    places = [Path(container.directory) / COMPOSE_FILE, *(Path(one) for one in named if one)]
    return any(place.is_file() for place in places)
