"""Real Prometheus, Alertmanager and redis_exporter for `check`, without the stages before it.

They run on the host's network and listen on loopback. Every file and label is made here, so
that a fault can be put anywhere.
"""

import contextlib
import os
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath
from typing import Any, Final

import docker
import yaml
from docker.models.containers import Container

from obsctl.conventions import (
    CANARY_LABEL,
    COMPOSE_NUMBER,
    COMPOSE_ONEOFF,
    COMPOSE_PROJECT,
    COMPOSE_SERVICE,
    LABEL_SPEC_HASH,
)
from obsctl.health import session
from obsctl.health.asking.context import Context
from obsctl.health.findings.report import Finding, HealthReport
from obsctl.render.rendered import RenderedFile
from obsctl.render.write import write
from obsctl.stack.model import Alerting, Dashboard, Service, Stack
from tests.engine.project import free_port
from tests.kit.engine import ensure_engine
from tests.kit.images import ensure_images

WAIT_S: Final = 30
PROJECT: Final = f"obsctl-check-lab-{os.getpid()}"
CONTAINER_PORTS: Final = {"prometheus": 9090, "alertmanager": 9093, "redis-exporter": 9121}
DIRECTORIES: Final = {"prometheus": "/etc/prometheus", "alertmanager": "/etc/alertmanager"}

RULES: Final = """
groups:
  - name: recorded
    rules:
      - { record: 'job:up:sum', expr: 'sum by (job) (up)' }
  - name: alerts
    rules:
      - { alert: Watchdog, expr: vector(1), labels: { severity: none } }
      - alert: RedisDown
        expr: redis_up{job="redis"} == 0
        for: 1h
        labels: { severity: critical }
      - alert: Recorded
        expr: job:up:sum{job="redis"} < 0
        labels: { severity: warning }
      - alert: Errors
        expr: rate(prometheus_http_requests_total{job="prometheus",code="599"}[5m]) > 0.10
"""
GROUP_BY: Final = ("alertname", "service", CANARY_LABEL)
PANELS: Final = {
    "uid": "lab",
    "title": "Lab",
    "templating": {"list": [{"name": "job", "current": {"value": "redis"}}]},
    "panels": [
        {
            "title": "Up",
            "datasource": {"uid": "obsctl-prometheus"},
            "targets": [{"expr": 'up{job=~"$job"}'}],
        }
    ],
}


def bare_stack(project: str) -> Stack:
    return Stack(
        project=project,
        environment="test",
        services=(),
        volumes=(),
        secrets=(),
        scrape_interval="1s",
        evaluation_interval="1s",
        scrape_jobs=(),
        rule_groups=(),
        rule_tests=(),
        alerting=Alerting((), (), (), "1s", "5m", "4h"),
        datasources=(),
        dashboards=(Dashboard("lab", "Lab", PANELS),),
        runbooks=(),
        logging=None,
        endpoints=(),
        patches=(),
    )


class Sink(BaseHTTPRequestHandler):
    """Takes notifications, or refuses them with `status`; other GETs answer with a web page."""

    status = 200

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(type(self).status)
        self.end_headers()

    def do_GET(self) -> None:
        found = self.path == "/page"
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<html>hello</html>")

    def log_message(self, *_arguments: object) -> None:
        """Say nothing: the test tells what matters."""


@contextlib.contextmanager
def sink() -> Iterator[int]:
    """The port of a webhook receiver on loopback."""
    Sink.status = 200
    server = ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


@dataclass(slots=True)
class Lab:
    """The running parts, the files they read, and `check` over both."""

    folder: Path
    images: dict[str, str]
    client: docker.DockerClient
    sink_port: int
    redis_port: int
    ports: dict[str, int] = field(default_factory=dict)
    jobs: list[dict[str, Any]] = field(default_factory=list)
    rules: str = RULES
    flags: list[str] = field(default_factory=list)  # more of Prometheus's
    alertmanagers: list[str] | None = None  # that Prometheus sends to, where it is not ours
    panels: dict[str, Any] = field(default_factory=lambda: PANELS)
    group_by: list[str] = field(default_factory=lambda: list(GROUP_BY))
    watches_host: bool = False  # by a node exporter: its job is `host`
    files: dict[str, str] = field(default_factory=dict)

    def write(self) -> None:
        """Render by hand what the components read; stack/ is in sync afterwards."""
        for name in CONTAINER_PORTS:
            self.ports.setdefault(name, free_port())
        documents = {
            "docker-compose.yml": {"name": PROJECT, "services": self.services()},
            "prometheus/prometheus.yml": self._prometheus(),
            "alertmanager/alertmanager.yml": self._alertmanager(),
        }
        self.files = {path: yaml.safe_dump(document) for path, document in documents.items()}
        self.files["prometheus/alert_rules.yml"] = self.rules
        write(self.rendered(), self.folder / "stack", force=True)

    def rendered(self) -> tuple[RenderedFile, ...]:
        return tuple(RenderedFile(PurePosixPath(path), text) for path, text in self.files.items())

    def services(self) -> dict[str, Any]:
        """The compose file's services; the hash stands for all that is not said here."""
        return {
            name: {
                "command": self._command(name),
                "labels": {LABEL_SPEC_HASH: f"spec-of-{name}"},
                "ports": [
                    {"target": port, "published": str(self.ports[name]), "host_ip": "127.0.0.1"}
                ],
            }
            for name, port in CONTAINER_PORTS.items()
        }

    def _command(self, name: str) -> list[str]:
        listen = f"--web.listen-address=127.0.0.1:{self.ports[name]}"
        if name == "redis-exporter":
            return [f"--redis.addr=redis://127.0.0.1:{self.redis_port}", listen]
        file = f"--config.file={DIRECTORIES[name]}/{name}.yml"
        if name == "prometheus":
            more = ["--storage.tsdb.path=/prometheus", "--rules.alert.resend-delay=2s"]
            return [file, *more, "--web.enable-lifecycle", *self.flags, listen]
        return [file, "--storage.path=/alertmanager", "--cluster.listen-address=", listen]

    def _prometheus(self) -> dict[str, Any]:
        own = [make_job(name, self.ports[name]) for name in ("prometheus", "alertmanager")]
        redis = {**make_job("redis", self.ports["redis-exporter"]), "scrape_interval": "1s"}
        ours = [f"127.0.0.1:{self.ports['alertmanager']}"]
        receivers = ours if self.alertmanagers is None else self.alertmanagers
        alertmanager = [{"static_configs": [{"targets": receivers}]}] if receivers else []
        return {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": ["alert_rules.yml"],
            "alerting": {"alertmanagers": alertmanager},
            "scrape_configs": [*own, redis, *self.jobs],
        }

    def _alertmanager(self) -> dict[str, Any]:
        routes = [
            {"receiver": "null", "matchers": ['alertname = "Watchdog"']},
            {"receiver": "ops", "matchers": ['severity =~ "warning|critical"']},
        ]
        url = f"http://127.0.0.1:{self.sink_port}/hook"
        ops = {"name": "ops", "webhook_configs": [{"url": url, "send_resolved": True}]}
        grouping = {"group_by": self.group_by, "group_wait": "1s"}
        return {
            "route": {"receiver": "null", **grouping, "routes": routes},
            "receivers": [{"name": "null"}, ops],
        }

    def start(self, name: str) -> Container:
        """Start one component as its compose service says, in place of an older container."""
        self.remove(name)
        directory = DIRECTORIES.get(name)
        source = str(self.folder / "stack" / name)
        return self.client.containers.run(
            self.images[name],
            self._command(name),
            name=f"{PROJECT}-{name}-1",
            labels=_labels(name),
            network_mode="host",
            volumes={source: {"bind": directory, "mode": "ro"}} if directory else {},
            detach=True,
        )

    def remove(self, name: str) -> None:
        with contextlib.suppress(docker.errors.NotFound):
            self.container(name).remove(force=True, v=True)

    def container(self, name: str) -> Container:
        return self.client.containers.get(f"{PROJECT}-{name}-1")

    def stack(self) -> Stack:
        host = Service("host-exporter", "none", None, host_pid=True)
        return replace(
            bare_stack(PROJECT),
            services=(host,) if self.watches_host else (),
            dashboards=(Dashboard("lab", "Lab", self.panels),),
        )

    def asked(self) -> Context:
        return session.context_of(self.stack(), self.rendered(), self.folder)

    def check(self, *, wait_s: float = 0, deep: bool = False) -> HealthReport:
        return session.check(self.asked(), session.Patience(wait_s, deep))


def make_job(name: str, port: int) -> dict[str, Any]:
    return {"job_name": name, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}


def _labels(service: str) -> dict[str, str]:
    return {
        COMPOSE_PROJECT: PROJECT,
        COMPOSE_SERVICE: service,
        COMPOSE_ONEOFF: "False",
        COMPOSE_NUMBER: "1",
        LABEL_SPEC_HASH: f"spec-of-{service}",
    }


def causes(report: HealthReport) -> dict[str, Finding]:
    """What failed or is to be looked at, by code; the first of each."""
    return {finding.code: finding for finding in reversed(report.problems)}


@contextlib.contextmanager
def running_lab(folder: Path) -> Iterator[Lab]:
    """All parts of the lab, started; KitUnavailable where they cannot be."""
    host = ensure_engine().docker_host
    images = ensure_images([*CONTAINER_PORTS, "redis"])
    client = docker.DockerClient(base_url=host)
    with sink() as port:
        lab = Lab(folder, images, client, port, free_port())
        lab.write()
        redis = client.containers.run(
            images["redis"],
            ["redis-server", "--port", str(lab.redis_port), "--bind", "127.0.0.1"],
            network_mode="host",
            detach=True,
        )
        for name in CONTAINER_PORTS:
            lab.start(name)
        try:
            yield lab
        finally:
            for name in CONTAINER_PORTS:
                lab.remove(name)
            redis.remove(force=True, v=True)
            client.close()


def restore(lab: Lab) -> None:
    """Bring the lab back to its good state."""
    lab.jobs, lab.rules, Sink.status = [], RULES, 200
    lab.alertmanagers, lab.panels, lab.watches_host = None, PANELS, False
    lab.group_by = list(GROUP_BY)
    lab.write()
    for name in CONTAINER_PORTS:
        container = lab.container(name)
        if container.status == "paused":
            container.unpause()
        if container.status != "running":
            container.start()
    reload_prometheus(lab)


def reload_prometheus(lab: Lab) -> None:
    """What Prometheus makes of its files is for `check` to find out."""
    url = f"http://127.0.0.1:{lab.ports['prometheus']}/-/reload"
    for _ in range(100):
        try:
            urllib.request.urlopen(urllib.request.Request(url, method="POST"), timeout=5).close()
        except urllib.error.HTTPError:
            return  # refused
        except OSError:
            time.sleep(0.1)
        else:
            return


def change(lab: Lab) -> None:
    """Write what the lab's settings say now, and let Prometheus load it."""
    lab.write()
    reload_prometheus(lab)


def until_told(lab: Lab, code: str) -> Finding:
    """The first finding of a cause, once `check` names it."""
    deadline = time.monotonic() + WAIT_S
    while (report := causes(lab.check())).get(code) is None:
        assert time.monotonic() < deadline, f"no {code} in {WAIT_S} s, but {[*report]}"
        time.sleep(0.3)
    return report[code]
