"""A pipeline's queue: bounded, in memory, and with `queue.type: persisted` in a file as well."""

from __future__ import annotations

import json
import queue
import threading
from pathlib import Path

from logstash_event import Event

CAPACITY = 1000


class EventQueue:
    """Events that wait; those in the file come back at the next start (at least once)."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.lock = threading.Lock()
        self.unfinished = 0
        self.events: queue.Queue[Event] = queue.Queue()
        if path and path.exists():
            for line in path.read_text("utf-8").splitlines():
                self.events.put(json.loads(line))
                self.unfinished += 1

    def offer(self, event: Event, patience: float) -> bool:
        """Add an event; False when the queue stays full for so many seconds."""
        if self.events.qsize() >= CAPACITY:
            threading.Event().wait(patience)
            if self.events.qsize() >= CAPACITY:
                return False
        with self.lock:
            self.unfinished += 1
            if self.path:
                with self.path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(event) + "\n")
        self.events.put(event)
        return True

    def take(self, size: int, delay: float) -> list[Event]:
        """Return up to `size` events, none when none comes for a while."""
        batch: list[Event] = []
        try:
            batch.append(self.events.get(timeout=0.2))
            while len(batch) < size:
                batch.append(self.events.get(timeout=delay))
        except queue.Empty:
            pass
        return batch

    def finish(self, count: int) -> None:
        """Note that events are stored or given up; with none left the file is emptied."""
        with self.lock:
            self.unfinished -= count
            if self.path and not self.unfinished:
                self.path.unlink(missing_ok=True)
