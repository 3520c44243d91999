"""The agent of the Logstash stand-in: starts pipelines, and reloads those whose files changed."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from logstash_event import stamp
from logstash_pipeline import Pipeline, compile_config
from logstash_settings import SettingsError, read_pipelines, source_text, substitute
from logstash_tokens import ConfigurationError
from standin import Faults, log

Json = Any

Reloads = dict[str, Any]


def duration(value: Json) -> float:
    """Return `3s` (or a bare number of seconds) in seconds."""
    text = str(value)
    units = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}
    number = text.rstrip("smh")
    return float(number) * units[text[len(number) :]]


class Agent:
    """All pipelines by id, and how their reloads went."""

    def __init__(self, settings: Mapping[str, Any], folder: Path, faults: Faults) -> None:
        self.settings = settings
        self.folder = folder
        self.faults = faults
        self.pipelines: dict[str, Pipeline] = {}
        self.reloads: dict[str, Reloads] = {}
        self.refused: dict[str, str] = {}
        self.wake = threading.Event()

    @property
    def automatic(self) -> bool:
        """Tell whether changed files are loaded without being asked."""
        return bool(self.settings.get("config.reload.automatic"))

    def entries(self) -> list[dict[str, Any]]:
        """Return the pipelines wanted: one of the command line's, or those of pipelines.yml."""
        if self.settings.get("path.config") or self.settings.get("config.string"):
            return [{"pipeline.id": "main", **self.settings}]
        text = (self.folder / "pipelines.yml").read_text("utf-8")
        found = read_pipelines(substitute(text, os.environ))
        return [{**self.settings, **entry} for entry in found]

    def converge(self) -> None:
        """Start, reload and stop pipelines until they are what the files say."""
        try:
            wanted = {str(entry["pipeline.id"]): entry for entry in self.entries()}
        except (SettingsError, OSError) as error:
            log(f"[ERROR][logstash.agent] {error}")
            return
        for name in set(self.pipelines) - set(wanted):
            self.pipelines.pop(name).stop()
        for name, entry in wanted.items():
            self._converge_one(name, entry)

    def _converge_one(self, name: str, entry: dict[str, Any]) -> None:
        running, text = self.pipelines.get(name), ""
        try:
            text = source_text(entry)
            if text in {running.text if running else None, self.refused.get(name)}:
                return
            sections = compile_config(text, os.environ)
        except (ConfigurationError, SettingsError, OSError, UnicodeDecodeError) as error:
            if text == "" and self.refused.get(name) == text:
                return
            self.refused[name] = text
            self._failed(name, str(error), reload=running is not None)
            return
        self.refused.pop(name, None)
        if running:
            running.stop()
        self.pipelines[name] = Pipeline(entry, text, sections, self.faults)
        reloads = self._reloads(name)
        if running:
            reloads["successes"] += 1
            reloads["last_success_timestamp"] = stamp()
        log(f"[INFO ][logstash.javapipeline] Pipeline started {{pipeline.id={name}}}")

    def _reloads(self, name: str) -> Reloads:
        empty = {
            "successes": 0, "failures": 0, "last_error": None,
            "last_success_timestamp": None, "last_failure_timestamp": None,
        }  # fmt: skip
        return self.reloads.setdefault(name, empty)

    def _failed(self, name: str, reason: str, *, reload: bool) -> None:
        log(
            "[ERROR][logstash.agent] Failed to execute action"
            f" {{id={name}, action={'Reload' if reload else 'Create'}, message={reason}}}"
        )
        reloads = self._reloads(name)
        reloads["failures"] += 1
        reloads["last_error"] = {"message": reason, "backtrace": []}
        reloads["last_failure_timestamp"] = stamp()

    def watch(self) -> None:
        """Look for changes every `config.reload.interval`, and at once after a SIGHUP."""
        interval = duration(self.settings.get("config.reload.interval", "3s"))
        while True:
            asked = self.wake.wait(interval if self.automatic else None)
            self.wake.clear()
            if asked:
                self.refused.clear()
            self.converge()
            time.sleep(0.01)

    def status(self) -> str:
        """Return green, yellow or red over all pipelines."""
        if "unhealthy" in self.faults:
            return "red"
        states = [pipeline.health() for pipeline in self.pipelines.values()]
        if self.refused or not states or "red" in states:
            return "red" if set(self.refused) - set(self.pipelines) or not states else states[0]
        return "yellow" if "yellow" in states else "green"
