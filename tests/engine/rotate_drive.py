"""`obsctl` in a process that ends itself, as by kill -9, when it is told of its Nth step."""

import os
import signal
import sys

from obsctl.__main__ import main
from obsctl.rotation import rotation

STEP = int(sys.argv[1])


class Killed:
    """Stands between a rotation and its listener."""

    count = 0


_init = rotation.Rotation.__init__


def _listening(self: rotation.Rotation, *arguments: object) -> None:
    *others, tell, on_event, patience, derive = arguments

    def told(text: str) -> None:
        tell(text)  # type: ignore[operator]
        Killed.count += 1
        if Killed.count == STEP:
            os.kill(os.getpid(), signal.SIGKILL)

    _init(self, *others, told, on_event, patience, derive)  # type: ignore[arg-type, call-arg]


rotation.Rotation.__init__ = _listening  # type: ignore[method-assign, assignment]
sys.exit(main(sys.argv[2:]))
