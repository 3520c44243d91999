"""One running pipeline of the Logstash stand-in: inputs, a bounded queue, a worker, counters."""

from __future__ import annotations

import hashlib
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from logstash_config import Plugin, parse, plugins
from logstash_event import Event
from logstash_filters import run
from logstash_inputs import Emit, Input
from logstash_output import Elasticsearch
from logstash_plugins import check
from logstash_queue import EventQueue
from logstash_settings import HOME
from standin import Faults, log

LISTENING = {"tcp", "udp", "beats", "gelf"}
STOP_PATIENCE = 5.0
YELLOW_AFTER, RED_AFTER = 60.0, 300.0


def compile_config(text: str, environment: Mapping[str, str]) -> dict[str, list[Any]]:
    """Return the checked sections of a configuration; raise ConfigurationError."""
    sections = parse(text, environment)
    check(sections)
    return sections


class Pipeline:
    """A pipeline from its start to its stop."""

    def __init__(
        self,
        settings: Mapping[str, Any],
        text: str,
        sections: dict[str, list[Any]],
        faults: Faults,
    ) -> None:
        self.settings = settings
        self.text = text
        self.hash = hashlib.sha256(text.encode()).hexdigest()
        self.ephemeral_id = f"{self.hash[:8]}-{time.time_ns():x}"
        self.sections = sections
        self.faults = faults
        self.running = True
        self.events: Counter[str] = Counter()
        self.by_plugin: Counter[tuple[str, str]] = Counter()
        persisted = settings.get("queue.type") == "persisted"
        folder = Path(str(settings.get("path.data", HOME / "data")))
        name = f"queue-{settings.get('pipeline.id', 'main')}.ndjson"
        self.queue = EventQueue(folder / name if persisted else None)
        outputs = [p for p in plugins(sections["output"]) if p.name == "elasticsearch"]
        self.outputs = {p.identifier: Elasticsearch(p, lambda: self.running) for p in outputs}
        emit: Emit = self.receive
        self.inputs = [
            Input(plugin, emit) for plugin in plugins(sections["input"]) if plugin.name in LISTENING
        ]
        self.worker = threading.Thread(target=self._work, daemon=True)
        self.worker.start()

    def receive(self, event: Event, plugin: Plugin) -> None:
        """Take an event from an input; wait while the queue is full, as back-pressure."""
        self.events["in"] += 1
        self.by_plugin[plugin.identifier, "out"] += 1
        while self.running and not self.queue.offer(event, 0.2):
            pass

    def _work(self) -> None:
        size = int(self.settings.get("pipeline.batch.size") or 125)
        delay = float(self.settings.get("pipeline.batch.delay") or 50) / 1000
        while (batch := self.queue.take(size, delay)) or self.running:
            if batch:
                started = time.monotonic()
                if self._process(batch):
                    self.queue.finish(len(batch))
                self.events["duration"] += round((time.monotonic() - started) * 1000)

    def _process(self, batch: list[Event]) -> bool:
        kept = [event for event in batch if run(self.sections["filter"], event, self._visit)]
        self.events["filtered"] += len(batch)
        if "drop-events" in self.faults:
            return True
        routed: dict[str, list[Event]] = {name: [] for name in self.outputs}
        for event in kept:

            def visit(plugin: Plugin, event: Event = event) -> None:
                self._visit(plugin)
                if plugin.identifier in routed:
                    routed[plugin.identifier].append(event)
                elif plugin.name == "stdout":
                    log(str(event))

            run(self.sections["output"], event, visit)
        done = [self.outputs[name].send(events) for name, events in routed.items() if events]
        self.events["out"] += len(kept) if all(done) else 0
        return all(done)

    def _visit(self, plugin: Plugin) -> None:
        self.by_plugin[plugin.identifier, "in"] += 1
        self.by_plugin[plugin.identifier, "out"] += 1

    def stop(self) -> None:
        """Stop the inputs, then let the worker finish what the queue holds."""
        for source in self.inputs:
            source.close()
        self.running = False
        self.worker.join(STOP_PATIENCE)

    def blocked(self) -> float:
        """Return for how many seconds an output has been waiting for Elasticsearch."""
        since = [o.blocked_since for o in self.outputs.values() if o.blocked_since]
        return time.monotonic() - min(since) if since else 0.0

    def health(self) -> str:
        """Return green, yellow or red."""
        blocked = self.blocked()
        return "red" if blocked >= RED_AFTER else "yellow" if blocked >= YELLOW_AFTER else "green"

    def plugin_stats(self, section: str) -> list[dict[str, Any]]:
        """Return the counters of each plugin of a section."""
        stats = []
        for plugin in plugins(self.sections[section]):
            counts = {"out": self.by_plugin[plugin.identifier, "out"]}
            if section != "input":
                counts |= {"in": self.by_plugin[plugin.identifier, "in"], "duration_in_millis": 0}
            entry: dict[str, Any] = {"id": plugin.identifier, "name": plugin.name, "events": counts}
            if output := self.outputs.get(plugin.identifier):
                bulk = {"successes": output.successes, "failures": output.failures}
                entry |= {
                    "bulk_requests": bulk,
                    "documents": {"non_retryable_failures": output.dead},
                }
            stats.append(entry)
        return stats

    def stats(self) -> dict[str, Any]:
        """Return what `/_node/stats/pipelines/ID` shows, without the reloads."""
        events = {key: self.events[key] for key in ("in", "filtered", "out")}
        durations = {
            "duration_in_millis": self.events["duration"],
            "queue_push_duration_in_millis": 0,
        }
        kind = str(self.settings.get("queue.type", "memory"))
        size = self.queue.unfinished
        return {
            "events": {**events, **durations},
            "flow": {"worker_utilization": {"current": 100.0 if self.blocked() else 0.0}},
            "plugins": {f"{s}s": self.plugin_stats(s) for s in ("input", "filter", "output")}
            | {"codecs": []},
            "queue": {"type": kind, "events_count": size, "queue_size_in_bytes": size * 1024,
                      "max_queue_size_in_bytes": sys.maxsize if kind == "memory" else 1 << 30},
            "dead_letter_queue": {"dropped_events": sum(o.dead for o in self.outputs.values()),
                                  "queue_size_in_bytes": 1},
            "hash": self.hash,
            "ephemeral_id": self.ephemeral_id,
        }  # fmt: skip

    def info(self) -> dict[str, Any]:
        """Return what `/_node/pipelines/ID` shows."""
        known = {
            "workers": self.settings.get("pipeline.workers", 1),
            "batch_size": self.settings.get("pipeline.batch.size", 125),
            "batch_delay": self.settings.get("pipeline.batch.delay", 50),
            "config_reload_automatic": self.settings.get("config.reload.automatic", False),
            "config_reload_interval": 3_000_000_000,
            "dead_letter_queue_enabled": self.settings.get("dead_letter_queue.enable", False),
        }
        return {"ephemeral_id": self.ephemeral_id, "hash": self.hash, **known}
