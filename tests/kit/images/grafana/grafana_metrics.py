"""The Grafana stand-in's own metrics: it measures the requests that it answers, and itself."""

from __future__ import annotations

import os
import resource
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from grafana_settings import VERSION
from standin import Request, Response

STARTED = time.time()
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0)
NAME = "grafana_http_request_duration_seconds"
# First part of a path -> the handler as Grafana labels it.
HANDLERS = [
    ("/metrics", "/metrics"),
    ("/api/health", "/api/health"),
    ("/api/ds/query", "/api/ds/query"),
    ("/api/datasources/proxy", "/api/datasources/proxy/uid/:uid/*"),
    ("/api/datasources", "/api/datasources/uid/:uid"),
    ("/api/dashboards", "/api/dashboards/uid/:uid"),
    ("/api/search", "/api/search/"),
    ("/api/", "/api/*"),
    ("/login", "/login"),
    ("/", "/*"),
]
Key = tuple[str, str, str]


class Requests:
    """Counts and durations by handler, method and status, as Grafana's own histogram."""

    def __init__(self, routes: list[tuple[str, str]]) -> None:
        self._routes = routes  # first part of a path -> the handler's name
        self._lock = threading.Lock()
        self._durations: dict[Key, list[int]] = {}
        self._sums: dict[Key, float] = {}
        self._in_flight = 0

    def measure(self, request: Request, answer: Callable[[Request], Response]) -> Response:
        """Answer a request and note how long that took."""
        started = time.monotonic()
        with self._lock:
            self._in_flight += 1
        response = answer(request)
        took = time.monotonic() - started
        key = (self._handler(request.path), str(response.status), request.method)
        with self._lock:
            self._in_flight -= 1
            counts = self._durations.setdefault(key, [0] * (len(BOUNDS) + 1))
            counts[next((i for i, b in enumerate(BOUNDS) if took <= b), len(BOUNDS))] += 1
            self._sums[key] = self._sums.get(key, 0.0) + took
        return response

    def _handler(self, path: str) -> str:
        return next((name for start, name in self._routes if path.startswith(start)), "notfound")

    def lines(self) -> Iterator[str]:
        """The exposition of the histogram and of the gauge of open requests."""
        with self._lock:
            measured = {key: tuple(counts) for key, counts in sorted(self._durations.items())}
            sums, in_flight = dict(self._sums), self._in_flight
        yield "# TYPE grafana_http_request_in_flight gauge"
        yield f"grafana_http_request_in_flight {in_flight}"
        yield f"# TYPE {NAME} histogram"
        for key, counts in measured.items():
            handler, status, method = key
            labels = f'handler="{handler}",method="{method}",status_code="{status}"'
            total = 0
            for bound, count in zip((*map(str, BOUNDS), "+Inf"), counts, strict=True):
                total += count
                yield f'{NAME}_bucket{{{labels},le="{bound}"}} {total}'
            yield f"{NAME}_sum{{{labels}}} {sums[key]:.6f}"
            yield f"{NAME}_count{{{labels}}} {total}"


def process_lines() -> Iterator[str]:
    """What Go's client library tells about its process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    pages = [int(part) for part in Path("/proc/self/statm").read_text("ascii").split()]
    size = os.sysconf("SC_PAGE_SIZE")
    for name, kind, value in (
        ("cpu_seconds_total", "counter", usage.ru_utime + usage.ru_stime),
        ("open_fds", "gauge", sum(1 for _ in Path("/proc/self/fd").iterdir())),
        ("max_fds", "gauge", resource.getrlimit(resource.RLIMIT_NOFILE)[0]),
        ("virtual_memory_bytes", "gauge", pages[0] * size),
        ("resident_memory_bytes", "gauge", pages[1] * size),
        ("start_time_seconds", "gauge", round(STARTED, 2)),
    ):
        yield f"# TYPE process_{name} {kind}"
        yield f"process_{name} {value}"


def metrics_text(dashboards: int, datasources: int, requests: Requests) -> str:
    """Return Grafana's own metrics, the few that are looked at."""
    lines = [
        f'grafana_build_info{{edition="oss",version="{VERSION}"}} 1',
        f"grafana_stat_totals_dashboard {dashboards}",
        f"grafana_stat_totals_datasource {datasources}",
        "grafana_stat_total_users 1",
        *requests.lines(),
        *process_lines(),
    ]
    return "\n".join(lines) + "\n"
