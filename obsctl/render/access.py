"""Opens what containers mount to their users, who are none of the host's."""

import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from obsctl.errors import Problem, RenderError, system_words

_FILE: Final = 0o444
_DIRECTORY: Final = 0o555


def open_to_containers(directory: Path, paths: Iterable[str]) -> None:
    """Let every user read these files below `directory`, which itself stays as it is.

    A strict umask closes what it lets make, be it by a clone: the content is as it should be, and
    no container could read it. Raises RenderError where that is not ours to change.
    """
    modes: dict[Path, int] = {}
    for path in paths:
        place = directory / path
        modes[place] = _FILE
        # The directory itself is not mounted, and may keep the host's other users out.
        above = place.relative_to(directory).parents
        modes |= {directory / parent: _DIRECTORY for parent in above if parent.parts}
    for place, wanted in modes.items():
        try:
            present = stat.S_IMODE(place.stat().st_mode)
            if present & wanted != wanted:
                place.chmod(present | wanted)
        except OSError as error:
            words = system_words(error)
            hint = f"run `chmod -R a+rX {directory}/*` as its owner"
            message = f"`{place}` cannot be opened to the containers' users: {words}"
            raise RenderError(Problem(message, hint=hint)) from None
