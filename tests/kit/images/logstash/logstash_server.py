"""The Logstash stand-in: command line, monitoring API and start."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from logstash_agent import Agent, duration
from logstash_pipeline import Pipeline, compile_config
from logstash_settings import (
    HOME,
    SettingsError,
    checked,
    env2yaml,
    read_arguments,
    read_settings,
    source_text,
)
from logstash_tokens import ConfigurationError
from standin import App, Faults, HttpError, Request, Response, fail, log, serve

VERSION = "9.5.2"
RANK = {"green": 0, "yellow": 1, "red": 2, "unknown": 3}
STARTED = time.time()


class Api(App):
    """The monitoring API on port 9600."""

    def __init__(self, agent: Agent, settings: Mapping[str, Any], faults: Faults) -> None:
        super().__init__(faults)
        self.agent = agent
        self.settings = settings
        for pattern, handler in (
            ("/", self.root),
            ("/_health_report", self.health_report),
            ("/_node", self.node),
            ("/_node/stats", self.node_stats),
            ("/_node/stats/pipelines", self.pipeline_stats),
            ("/_node/stats/pipelines/{id}", self.pipeline_stats),
            ("/_node/stats/{part}", self.node_stats),
            ("/_node/pipelines", self.pipelines),
            ("/_node/pipelines/{id}", self.pipelines),
        ):
            self.route("GET", pattern, handler)

    def not_found(self, request: Request) -> Response:
        """Answer an unknown path as Logstash does."""
        return Response(
            404, {"path": request.path, "status": 404, "error": {"message": "Not Found"}}
        )

    def basics(self) -> dict[str, Any]:
        """Return what every answer begins with."""
        name = self.settings.get("node.name") or os.uname().nodename
        port = self.settings.get("api.http.port", 9600)
        return {
            "host": os.uname().nodename,
            "version": VERSION,
            "http_address": f"{self.settings.get('api.http.host', '127.0.0.1')}:{port}",
            "id": "standin-logstash",
            "name": name,
            "ephemeral_id": f"{STARTED}",
            "snapshot": False,
            "status": self.agent.status(),
            "pipeline": {"workers": 1, "batch_size": 125, "batch_delay": 50},
        }

    def root(self, request: Request) -> Response:
        """Return the basics, waiting for a status when asked to: 408 when it doesn't come."""
        wanted, limit = request.arg("wait_for_status"), request.arg("timeout")
        if wanted and (wanted not in RANK or not limit):
            message = "wait_for_status must be a status, and timeout is needed with it"
            raise HttpError(400, {"status": 400, "error": {"message": message}})
        deadline = time.monotonic() + (duration(limit) if wanted else 0)
        while wanted and RANK[self.agent.status()] > RANK[wanted]:
            if time.monotonic() >= deadline:
                return Response(408, self.basics())
            time.sleep(0.05)
        return Response(200, self.basics())

    def health_report(self, _: Request) -> Response:
        """Return the health of each pipeline."""
        status, pipelines = self.agent.status(), {}
        for name in {**self.agent.pipelines, **self.agent.refused}:
            running = self.agent.pipelines.get(name)
            state = {"state": "RUNNING" if running else "TERMINATED"}
            health = running.health() if running else "red"
            pipelines[name] = {"status": health, "symptom": "", "details": {"status": state}}
        symptom = f"{len(pipelines)} indicators; overall {status}"
        indicator = {"status": status, "symptom": symptom, "indicators": pipelines}
        body = {**self.basics(), "symptom": symptom, "indicators": {"pipelines": indicator}}
        return Response(200, body)

    def node(self, _: Request) -> Response:
        """Return the basics and the pipelines."""
        return Response(200, {**self.basics(), "pipelines": self._infos()})

    def chosen(self, request: Request) -> dict[str, Pipeline]:
        """Return the pipelines that the path names; 404 for one that isn't loaded."""
        name = request.params.get("id")
        if name is None:
            return self.agent.pipelines
        if name not in self.agent.pipelines and name not in self.agent.reloads:
            raise HttpError(404, self.not_found(request).body)
        return {name: self.agent.pipelines[name]} if name in self.agent.pipelines else {}

    def _infos(self) -> dict[str, Any]:
        return {name: pipeline.info() for name, pipeline in self.agent.pipelines.items()}

    def pipelines(self, request: Request) -> Response:
        """Return the loaded pipelines."""
        chosen = self.chosen(request)
        if request.params.get("id") and not chosen:
            return self.not_found(request)
        infos = {name: pipeline.info() for name, pipeline in chosen.items()}
        return Response(200, {**self.basics(), "pipelines": infos})

    def _stats(self, request: Request) -> dict[str, Any]:
        chosen = self.chosen(request)
        names = [request.params["id"]] if "id" in request.params else list(self.agent.reloads)
        return {
            name: {**(chosen[name].stats() if name in chosen else {}),
                   "reloads": self.agent.reloads[name]}
            for name in names
        }  # fmt: skip

    def pipeline_stats(self, request: Request) -> Response:
        """Return counters and reloads of pipelines."""
        return Response(200, {**self.basics(), "pipelines": self._stats(request)})

    def node_stats(self, request: Request) -> Response:
        """Return all statistics."""
        reloads = self.agent.reloads.values()
        counts = {key: sum(r[key] for r in reloads) for key in ("successes", "failures")}
        totals = {
            key: sum(pipeline.events[key] for pipeline in self.agent.pipelines.values())
            for key in ("in", "filtered", "out")
        }
        heap = {"heap_used_percent": 5, "heap_used_in_bytes": 1 << 24, "heap_max_in_bytes": 1 << 29}
        uptime = round((time.time() - STARTED) * 1000)
        jvm = {"uptime_in_millis": uptime, "mem": heap}
        process = {"cpu": {"percent": round(100_000 * time.process_time() / max(1, uptime))}}
        more = {"process": process, "reloads": counts, "pipelines": self._stats(request)}
        return Response(200, {**self.basics(), "jvm": jvm, "events": totals, **more})


def load_settings(arguments: list[str]) -> tuple[dict[str, Any], Path]:
    """Return the settings of the file and the command line, and their folder."""
    given = read_arguments(arguments)
    folder = Path(given.get("path.settings", HOME / "config"))
    file = folder / "logstash.yml"
    text = file.read_text("utf-8") if file.exists() else ""
    return checked({**read_settings(text, os.environ), **given}), folder


def test_configuration(agent: Agent) -> None:
    """Check every pipeline's configuration and end the process."""
    try:
        for entry in agent.entries():
            compile_config(source_text(entry), os.environ)
    except (ConfigurationError, SettingsError, OSError) as error:
        fail(f"[FATAL][logstash.runner] The given configuration is invalid. Reason: {error}")
    log("Configuration OK")
    log("[INFO ][logstash.runner] Using config.test_and_exit mode. Config Validation Result: OK.")


def start(settings: dict[str, Any], folder: Path) -> None:
    """Run the agent and its API until a signal comes."""
    data = Path(settings.get("path.data", HOME / "data"))
    if not os.access(data, os.W_OK):
        fail(f'Path "{data}" must be a writable directory. It is not writable.')
    faults = Faults.from_environment()
    agent = Agent(settings, folder, faults)
    agent.converge()
    if not agent.pipelines and not agent.automatic:
        fail("[FATAL][logstash.runner] No pipelines are running; Logstash stopped processing")
    signal.signal(signal.SIGHUP, lambda *_: agent.wake.set())
    threading.Thread(target=agent.watch, daemon=True).start()
    port = str(settings.get("api.http.port", 9600)).partition("-")[0]
    log(f"[INFO ][logstash.agent] Successfully started Logstash API endpoint {{:port=>{port}}}")
    host = str(settings.get("api.http.host", "127.0.0.1"))
    serve(Api(agent, settings, faults), host, int(port))


def main(arguments: list[str]) -> None:
    """Do what `bin/logstash` does; with `--env2yaml` first, what the entry point does."""
    if arguments[:1] == ["--env2yaml"]:
        env2yaml()
        arguments = arguments[1:]
    if {"-V", "--version"} & set(arguments):
        return log(f"logstash {VERSION} (stand-in)")
    try:
        settings, folder = load_settings(arguments)
    except (SettingsError, OSError) as error:
        fail(f"[FATAL][logstash.runner] {error}")
    if settings.get("config.test_and_exit"):
        return test_configuration(Agent(settings, folder, Faults()))
    return start(settings, folder)


if __name__ == "__main__":
    main(sys.argv[1:])
