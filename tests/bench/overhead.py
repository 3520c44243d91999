"""`make overhead`: what the generated code costs a request, beside the bare app in the same run.

Monitoring is up (a receiver of lines, a tracker, a scrape every second), slow (both take the
connection and then nothing) or down (nobody listens). What a request costs is the CPU time of the
app's process divided by its requests, which other work on the machine does not change; the
latencies are those of a saturated app and do change with it.
"""

import contextlib
import json
import os
import socket
import statistics
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from obsctl.cli.pipeline import build
from tests.instrument.receivers import Envelopes, LineReceiver
from tests.instrument.running import RunningApp, start
from tests.kit.apps import app_directory, node_modules, node_program
from tests.kit.ports import free_ports

ROUNDS = 3
SECONDS = 4
CONNECTIONS = 10
APP = Path(__file__).parents[1] / "kit" / "story" / "overhead.cjs"
PROJECT = """\
version: 1
project: cost
services: { web: { kind: express, targets: ["localhost:3000"] } }
"""
# What the environment of each case says, beside where its monitoring is. Sentry's SDK costs more
# than all the rest, so there is a case without it; there are no traces by default.
CASES: dict[str, dict[str, str]] = {
    "bare app": {},
    "monitoring up, no error tracking": {"SENTRY_DSN": ""},
    "monitoring up": {},
    "monitoring up, a tenth traced": {"SENTRY_TRACES_SAMPLE_RATE": "0.1"},
    "monitoring slow": {},
    "monitoring down, no error tracking": {"SENTRY_DSN": ""},
    "monitoring down": {},
}


@dataclass(frozen=True, slots=True)
class Cost:
    """One run: CPU microseconds of a request, latencies in milliseconds, wrong answers."""

    request_us: float
    p50_ms: float
    p99_ms: float
    wrong: int


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="obsctl-overhead-") as folder:
        directory = prepared(Path(folder))
        runs: dict[str, list[Cost]] = {case: [] for case in CASES}
        for _ in range(ROUNDS):
            for case in CASES:
                runs[case].append(measured(directory, case))
    bare = statistics.median(run.request_us for run in runs["bare app"])
    print("| case | CPU a request | added | p50 | p99 | wrong answers |")
    print("|---|---|---|---|---|---|")
    for case, costs in runs.items():
        us = statistics.median(run.request_us for run in costs)
        p50 = statistics.median(run.p50_ms for run in costs)
        p99 = statistics.median(run.p99_ms for run in costs)
        wrong = sum(run.wrong for run in costs)
        added = f"{us - bare:+.0f} µs" if case != "bare app" else ""
        print(f"| {case} | {us:.0f} µs | {added} | {p50:.0f} ms | {p99:.0f} ms | {wrong} |")


def prepared(folder: Path) -> Path:
    """A directory with the app and its generated code."""
    file = folder / "obsctl.yaml"
    file.write_text(PROJECT)
    code = {e.path.name: e.text for e in build(file).files if e.path.parts[0] == "instrumentation"}
    return app_directory(folder / "app", {**code, APP.name: APP.read_text()})


def measured(directory: Path, case: str) -> Cost:
    (port,) = free_ports(1)
    with monitoring(case) as environment:
        app = start([node_program(), APP.name], directory, port, environment)
        try:
            with scraped(app, case):
                load(app, 1)  # the engine compiles what is hot
                return load(app, SECONDS)
        finally:
            app.process.kill()
            app.process.wait()


@contextlib.contextmanager
def monitoring(case: str) -> Iterator[dict[str, str]]:
    """The environment of a case, with whatever it names running."""
    with contextlib.ExitStack() as stack:
        lines, envelopes = LineReceiver(), Envelopes()
        stack.callback(lines.stop)
        stack.callback(envelopes.stop)
        line_port, tracker_port = free_ports(2)
        dsn = f"http://key@127.0.0.1:{tracker_port}/1"
        if case == "monitoring slow":
            lines.is_slow = True
            lines.port = line_port
            lines.start()
            # Takes connections and answers none.
            stack.enter_context(socket.create_server(("127.0.0.1", tracker_port), backlog=64))
        elif case.startswith("monitoring up"):
            line_port = lines.start()
            dsn = envelopes.start()
        yield {
            "MONITORED": "0" if case == "bare app" else "1",
            "SENTRY_DSN": dsn,
            "LOG_ADDRESS": f"127.0.0.1:{line_port}",
            **CASES[case],
        }


@contextlib.contextmanager
def scraped(app: RunningApp, case: str) -> Iterator[None]:
    """Ask for the metrics every second, and for an error, where monitoring is on."""
    done = threading.Event()

    def ask() -> None:
        while not done.wait(1):
            app.get("/metrics")
            app.get("/orders/broken")

    thread = threading.Thread(target=ask, daemon=True)
    if case != "bare app":
        thread.start()
    try:
        yield
    finally:
        done.set()
        if thread.is_alive():
            thread.join()


def load(app: RunningApp, seconds: int) -> Cost:
    program = str(node_modules() / "autocannon" / "autocannon.js")
    url = f"http://127.0.0.1:{app.port}/orders/7"
    options = ["-c", str(CONNECTIONS), "-d", str(seconds), "--json", "--no-progress"]
    before = cpu_seconds(app)
    done = subprocess.run(
        [node_program(), program, *options, url], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    latency, wrong = found["latency"], found["errors"] + found["timeouts"] + found["non2xx"]
    cpu_us = 1e6 * (cpu_seconds(app) - before) / found["requests"]["total"]
    return Cost(cpu_us, latency["p50"], latency["p99"], wrong)


def cpu_seconds(app: RunningApp) -> float:
    """User and system time of the process so far, all its threads."""
    fields = Path(f"/proc/{app.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
