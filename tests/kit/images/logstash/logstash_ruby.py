"""The ruby filter: a real Ruby runs the script, one process a script."""

from __future__ import annotations

import json
import subprocess
import threading
from pathlib import Path
from typing import Any

from logstash_event import Event, tag

RUNNER = Path(__file__).with_name("ruby_filter.rb")


class Script:
    """A running script; its events go through one after the other."""

    def __init__(self, source: str, name: str) -> None:
        command = ["ruby", str(RUNNER), source, name]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        self.lock = threading.Lock()

    def run(self, event: Event) -> list[Event]:
        """Return the events that the script makes of one."""
        with self.lock:
            assert self.process.stdin is not None
            assert self.process.stdout is not None
            self.process.stdin.write(json.dumps(event) + "\n")
            self.process.stdin.flush()
            found: list[Event] = json.loads(self.process.stdout.readline())
        return found


SCRIPTS: dict[tuple[str, str], Script] = {}
STARTING = threading.Lock()


def script(options: dict[str, Any]) -> Script:
    """Return the process of a filter's `path` or `code`; a changed file gives a new one."""
    if "path" in options:
        path = str(options["path"])
        key = (Path(path).read_text("utf-8"), path)
    else:
        init, code = str(options.get("init", "")), str(options.get("code", ""))
        key = (f"{init}\ndef filter(event)\n{code}\n[event]\nend", "code")
    with STARTING:
        if key not in SCRIPTS:
            SCRIPTS[key] = Script(*key)
        return SCRIPTS[key]


def ruby(event: Event, options: dict[str, Any]) -> bool:
    """Change the event as the script does; scripts that drop or add events are not followed."""
    try:
        changed = script(options).run(event)
    except (OSError, ValueError):
        tag(event, "_rubyexception")
        return False
    if len(changed) == 1:
        event.clear()
        event.update(changed[0])
    return True
