"""What obsctl remembers between runs: which hot-reloadable files each container has loaded."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final

from obsctl.engine.run.files import write_atomically

STATE_FILE: Final = "state.json"


@dataclass(frozen=True, slots=True)
class Loaded:
    """The digests of the hot files that this very container loaded last, and its image.

    `mounts` are the inodes of the directories that it was seen to work with, by path.
    """

    container: str
    digests: Mapping[str, str]
    image: str = ""
    mounts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class State:
    loaded: Mapping[str, Loaded] = field(default_factory=dict)

    def without_mount(self, service: str, container: str, directory: Path) -> "State":
        """The same, but that container of the service mounts another than `directory`."""
        known = self.loaded.get(service, Loaded(container, {}))
        mounts = {**known.mounts, str(directory): 0}
        entry = replace(known, container=container, mounts=mounts)
        return State({**self.loaded, service: entry})


def read_state(directory: Path) -> State:
    """The state in `directory`; none where it is missing or spoilt: that costs a reload."""
    try:
        data = json.loads((directory / STATE_FILE).read_bytes())
        return State({name: Loaded(**entry) for name, entry in data["loaded"].items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return State()


def write_state(directory: Path, state: State) -> None:
    """Keep `state`; untouched when it is what the file holds already."""
    if read_state(directory) == state:
        return
    data = {"loaded": {name: asdict(entry) for name, entry in sorted(state.loaded.items())}}
    write_atomically(directory / STATE_FILE, json.dumps(data, indent=1) + "\n")
