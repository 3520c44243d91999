"""What an `up` is in the middle of, on disk, for the `up` after a crash to tell."""

import json
import os
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from obsctl.engine.run.files import write_atomically

JOURNAL_FILE: Final = "journal.json"


class Journal:
    """Steps under way, by operation; written before each step.

    Recovery itself needs no journal: names tell what every container is. The journal tells
    people what was interrupted.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / JOURNAL_FILE
        self._steps: dict[str, str] = {}
        self._lock = threading.Lock()

    def step(self, operation: str, step: str) -> None:
        """`operation` is about to do `step`."""
        with self._lock:
            self._steps[operation] = step
            self._write()

    def end(self, operation: str) -> None:
        """`operation` has ended, well or undone."""
        with self._lock:
            self._steps.pop(operation, None)
            self._write()

    def close(self) -> None:
        """Nothing is under way any more."""
        self._path.unlink(missing_ok=True)

    def _write(self) -> None:
        entry = {"pid": os.getpid(), "host": socket.gethostname(), "steps": self._steps}
        write_atomically(self._path, json.dumps(entry, indent=1) + "\n")


def interrupted_steps(directory: Path) -> Mapping[str, str]:
    """What the last `up` was in the middle of when it was killed; empty when it was not."""
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        steps = json.loads((directory / JOURNAL_FILE).read_bytes())["steps"]
        return {str(operation): str(step) for operation, step in steps.items()}
    return {}
