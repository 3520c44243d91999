"""Processes that outlive the demo: noted in a file, so that the next run can end them."""

import json
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

_END_S = 10.0


@dataclass(frozen=True, slots=True)
class Background:
    """`file` holds the process id and the start of each, because ids are used again."""

    file: Path

    def note(self, pid: int) -> None:
        """Remember a process as one of ours."""
        self._write([*self._noted(), (pid, _start_of(pid))])

    def end_all(self) -> int:
        """End what of them still runs, the newest first; how many that were."""
        noted = self._noted()
        ended = sum(_end(pid, start) for pid, start in reversed(noted))
        self._write([])
        return ended

    def _noted(self) -> list[tuple[int, str]]:
        try:
            return [(int(pid), str(start)) for pid, start in json.loads(self.file.read_text())]
        except (FileNotFoundError, ValueError):
            return []

    def _write(self, noted: list[tuple[int, str]]) -> None:
        self.file.write_text(json.dumps(noted))


def _start_of(pid: int) -> str:
    """Clock ticks from boot to its start; empty where there is no such process, or a zombie."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if state == "Z" else fields[18]


def _end(pid: int, start: str) -> bool:
    if not start or _start_of(pid) != start:
        return False
    os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + _END_S
    while _start_of(pid) == start:
        if time.monotonic() > until:
            os.kill(pid, signal.SIGKILL)
            break
        time.sleep(0.05)
    return True
