"""A small HTTP service with Prometheus metrics under the names that Express apps give them."""

import os
import resource
import signal
import sys
import threading
import time
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
ROUTES = {
    "/": (200, "hello\n"),
    "/health": (200, '{"status":"ok"}\n'),
    "/slow": (200, "slow\n"),
    "/fail": (500, "failed on purpose\n"),
}
Labels = tuple[str, str, str]


class Metrics:
    """Requests counted and timed by method, route and status code."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._buckets: dict[Labels, list[int]] = defaultdict(lambda: [0] * (len(BUCKETS) + 1))
        self._sums: dict[Labels, float] = defaultdict(float)
        self._started = time.time()

    def observe(self, labels: Labels, seconds: float) -> None:
        """Count one request that took `seconds`."""
        with self._lock:
            index = next((i for i, le in enumerate(BUCKETS) if seconds <= le), len(BUCKETS))
            self._buckets[labels][index] += 1
            self._sums[labels] += seconds

    def text(self) -> str:
        """The exposition format, version 0.0.4."""
        requests = ["# TYPE http_requests_total counter"]
        durations = ["# TYPE http_request_duration_seconds histogram"]
        with self._lock:
            for labels, counts in self._buckets.items():
                pairs = 'method="{}",route="{}",status_code="{}"'.format(*labels)
                requests.append(f"http_requests_total{{{pairs}}} {sum(counts)}")
                durations += _histogram(pairs, counts, self._sums[labels])
        return "\n".join([*requests, *durations, *self._process(), ""])

    def _process(self) -> list[str]:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
        values = {
            "process_cpu_seconds_total": ("counter", usage.ru_utime + usage.ru_stime),
            "process_resident_memory_bytes": ("gauge", resident),
            "process_start_time_seconds": ("gauge", self._started),
            "process_open_fds": ("gauge", len(list(Path("/proc/self/fd").iterdir()))),
            "process_max_fds": ("gauge", resource.getrlimit(resource.RLIMIT_NOFILE)[0]),
        }
        return [f"# TYPE {name} {kind}\n{name} {value}" for name, (kind, value) in values.items()]


def _histogram(pairs: str, counts: list[int], total: float) -> list[str]:
    name = "http_request_duration_seconds"
    lines, seen = [], 0
    for bound, count in zip((*map(str, BUCKETS), "+Inf"), counts, strict=True):
        seen += count
        lines.append(f'{name}_bucket{{{pairs},le="{bound}"}} {seen}')
    return [*lines, f"{name}_sum{{{pairs}}} {total}", f"{name}_count{{{pairs}}} {seen}"]


METRICS = Metrics()


class Handler(BaseHTTPRequestHandler):
    """/metrics, and ROUTES; /slow?seconds=N takes its time."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer, and count what was answered."""
        began = time.monotonic()
        url = urlsplit(self.path)
        if url.path == "/metrics":
            self._answer(200, METRICS.text(), "text/plain; version=0.0.4; charset=utf-8")
            return
        if url.path == "/slow":
            time.sleep(min(60.0, float(parse_qs(url.query).get("seconds", ["1"])[0])))
        status, body = ROUTES.get(url.path, (404, "not found\n"))
        route = url.path if url.path in ROUTES else "<unmatched>"
        METRICS.observe((self.command, route, str(status)), time.monotonic() - began)
        self._answer(status, body, "text/plain; charset=utf-8")

    do_POST = do_GET  # noqa: N815 - the name that http.server calls

    def _answer(self, status: int, body: str, content_type: str) -> None:
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def main() -> None:
    """Serve on $PORT (3000) of every address in $BIND (all of them) until SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    port = int(os.environ.get("PORT", "3000"))
    first, *others = (
        ThreadingHTTPServer((address, port), Handler)
        for address in os.environ.get("BIND", "").split(",")
    )
    for other in others:
        threading.Thread(target=other.serve_forever, daemon=True).start()
    first.serve_forever()


if __name__ == "__main__":
    main()
