"""The logstash-exporter stand-in: Logstash's own JSON under the exporter's metric names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from standin import PROMETHEUS_TEXT, App, Faults, Request, Response, log, serve
from standin_http import UnreachableError, call, decoded

Json = Any
# Metric -> where `/_node/stats` has it; a path that is not there gives no sample.
NODE = {
    "logstash_stats_jvm_mem_heap_used_percent": "jvm.mem.heap_used_percent",
    "logstash_stats_jvm_mem_heap_used_bytes": "jvm.mem.heap_used_in_bytes",
    "logstash_stats_jvm_mem_heap_max_bytes": "jvm.mem.heap_max_in_bytes",
    "logstash_stats_jvm_uptime_millis": "jvm.uptime_in_millis",
    "logstash_stats_process_cpu_percent": "process.cpu.percent",
    "logstash_stats_process_open_file_descriptors": "process.open_file_descriptors",
    "logstash_stats_events_in": "events.in",
    "logstash_stats_events_out": "events.out",
    "logstash_stats_events_filtered": "events.filtered",
    "logstash_stats_reload_failures": "reloads.failures",
    "logstash_stats_reload_successes": "reloads.successes",
}
PIPELINE = {
    "logstash_stats_pipeline_events_in": "events.in",
    "logstash_stats_pipeline_events_out": "events.out",
    "logstash_stats_pipeline_events_filtered": "events.filtered",
    "logstash_stats_pipeline_queue_events_count": "queue.events_count",
    "logstash_stats_pipeline_reloads_failures": "reloads.failures",
    "logstash_stats_pipeline_reloads_successes": "reloads.successes",
    "logstash_stats_pipeline_flow_worker_utilization_current": "flow.worker_utilization.current",
    "logstash_stats_pipeline_dead_letter_queue_size_in_bytes": (
        "dead_letter_queue.queue_size_in_bytes"
    ),
}


def value_at(data: Json, path: str) -> float | None:
    """Return the number at a dotted path, None where there is none."""
    for key in path.split("."):
        data = data.get(key) if isinstance(data, dict) else None
    return None if data is None else float(data)


def samples(stats: Json) -> Iterator[tuple[str, str, float]]:
    """Yield name, labels and value of what `/_node/stats` tells."""
    for name, path in NODE.items():
        if (value := value_at(stats, path)) is not None:
            yield name, "", value
    for pipeline, entry in (stats.get("pipelines") or {}).items():
        labels = f'{{pipeline="{pipeline}"}}'
        yield "logstash_stats_pipeline_up", labels, float("events" in entry)
        for name, path in PIPELINE.items():
            if (value := value_at(entry, path)) is not None:
                yield name, labels, value


def exposition(found: list[tuple[str, str, float]]) -> str:
    """Return samples in the Prometheus text format, each name's together."""
    lines, seen = [], ""
    for name, labels, value in sorted(found):
        lines += [f"# TYPE {name} untyped"] if name != seen else []
        lines.append(f"{name}{labels} {value:g}")
        seen = name
    return "\n".join(lines) + "\n"


class Exporter(App):
    """One scrape is one question to Logstash."""

    def __init__(self, url: str, faults: Faults) -> None:
        super().__init__(faults)
        self.url = url.rstrip("/")
        self.route("GET", "/metrics", self.metrics)
        self.route("GET", "/", lambda _: Response(302, "", {"Location": "/metrics"}))

    def metrics(self, _: Request) -> Response:
        """Ask Logstash and answer its metrics."""
        stats: Json = None
        try:
            status, body = call("GET", f"{self.url}/_node/stats", timeout=2)
            stats = decoded(body) if status == 200 else None
        except UnreachableError as error:
            log(f"level=ERROR msg={error}")
        up = ("logstash_info_up", "", float(stats is not None))
        found = [up, *samples(stats)] if stats is not None else [up]
        return Response(200, exposition(found), {"Content-Type": PROMETHEUS_TEXT})


if __name__ == "__main__":
    faults = Faults.from_environment()
    serve(Exporter(os.environ.get("LOGSTASH_URL", "http://localhost:9600"), faults), "", 9198)
