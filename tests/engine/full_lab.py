"""The whole stack of the kit with something to watch and somebody to tell, for fault injection."""

import contextlib
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, Final

from docker.models.containers import Container

from obsctl.cli.pipeline import build
from obsctl.health import session
from obsctl.health.asking.context import Context
from obsctl.health.findings.report import Finding, HealthReport
from obsctl.render.write import write
from tests.engine.project import ProjectUnderTest, free_port
from tests.kit.watched import Watched

PORTS: Final = (
    "prometheus", "alertmanager", "grafana", "elasticsearch", "kibana", "logstash",
    "tcp", "beats", "gelf",
)  # fmt: skip
_TIMEOUT_S: Final = 10


class Hook(BaseHTTPRequestHandler):
    """A receiver: takes notifications, or refuses them with `status`."""

    status = 200
    bodies: ClassVar[list[bytes]] = []

    def do_POST(self) -> None:
        self.bodies.append(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        self.send_response(type(self).status)
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Say nothing: the test tells what matters."""


@contextlib.contextmanager
def hook(address: str) -> Iterator[int]:
    """The port of a receiver that the stack's containers reach on this address of the host."""
    Hook.status = 200
    server = ThreadingHTTPServer((address, 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


@dataclass(slots=True)
class FullLab:
    """A running stack of every component, and `check` over it."""

    project: ProjectUnderTest
    watched: Watched
    app_port: int
    redis_port: int
    hook_port: int
    gateway: str  # the address of the host that containers reach
    ports: dict[str, int] = field(default_factory=lambda: {name: free_port() for name in PORTS})

    @property
    def folder(self) -> Path:
        return self.project.folder

    def describe(self, services: str = "", more: str = "") -> None:
        """Write obsctl.yaml; `services` and `more` are what a fault adds to it."""
        port = self.ports
        images = "\n".join(f"    {k}: {v}" for k, v in sorted(self.project.images.items()))
        (self.folder / "obsctl.yaml").write_text(f"""\
version: 1
project: {self.project.name}
services:
  backend: {{ kind: express, targets: ["localhost:{self.app_port}"] }}
  redis: {{ kind: redis, address: "localhost:{self.redis_port}" }}
{services}
probes: [ "http://localhost:{self.app_port}/health" ]
notifications:
  receivers: {{ ops: {{ webhook: {{ url: "http://host.docker.internal:{self.hook_port}/" }} }} }}
  routes: {{ critical: [ops], warning: [ops] }}
  grouping: {{ wait: 1s, interval: 1s }}
logs:
  inputs:
    tcp: {{ port: {port["tcp"]} }}
    beats: {{ port: {port["beats"]} }}
    gelf: {{ port: {port["gelf"]} }}
  retention: 14d
{more}
stack:
  prometheus: {{ port: {port["prometheus"]}, scrape_interval: 1s, evaluation_interval: 1s }}
  alertmanager: {{ port: {port["alertmanager"]} }}
  grafana: {{ port: {port["grafana"]} }}
  elasticsearch: {{ port: {port["elasticsearch"]} }}
  kibana: {{ port: {port["kibana"]} }}
  logstash: {{ port: {port["logstash"]} }}
  images:
{images}
""")

    def up(self) -> None:
        done = self.project.obsctl("up")
        assert done.code == 0, done.text

    def render(self) -> None:
        """As `obsctl render` does, without asking upstream's checkers."""
        write(build(self.folder / "obsctl.yaml").files, self.folder / "stack")

    def context(self, targets: Mapping[str, str] | None = None) -> Context:
        built = build(self.folder / "obsctl.yaml")
        return session.context_of(built.stack, built.files, self.folder, targets)

    def check(
        self, wait_s: float = 0, *, deep: bool = False, receiver_sink: bool = False
    ) -> HealthReport:
        patience = session.Patience(wait_s, deep=deep, receiver_sink=receiver_sink)
        return session.check(self.context(), patience)

    def container(self, service: str) -> Container:
        return self.watched.client.containers.get(f"{self.project.name}-{service}-1")

    def password(self, secret: str) -> str:
        return (self.folder / "secrets" / secret).read_text().rstrip("\n")

    def elastic(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        """A request to Elasticsearch as its superuser."""
        login = ("elastic", self.password("elastic_password"))
        return call(method, f"http://127.0.0.1:{self.ports['elasticsearch']}{path}", body, login)

    def grafana(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        login = ("admin", self.password("grafana_admin_password"))
        return call(method, f"http://127.0.0.1:{self.ports['grafana']}{path}", body, login)

    def kibana(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        login = ("elastic", self.password("elastic_password"))
        return call(method, f"http://127.0.0.1:{self.ports['kibana']}{path}", body, login)

    def alertmanager(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        return call(method, f"http://127.0.0.1:{self.ports['alertmanager']}{path}", body)

    def reload_alertmanager(self) -> None:
        call("POST", f"http://127.0.0.1:{self.ports['alertmanager']}/-/reload")

    def reload_prometheus(self) -> None:
        """What Prometheus makes of its files is for `check` to find out."""
        with contextlib.suppress(urllib.error.HTTPError):
            call("POST", f"http://127.0.0.1:{self.ports['prometheus']}/-/reload")

    def misbehave(self, component: str, *faults: str) -> None:
        """Ask a stand-in for faults; none heals it."""
        url = f"http://127.0.0.1:{self.ports[component]}/__standin__/fault"
        call("POST", url, {"faults": list(faults)})


def call(method: str, url: str, body: object = None, login: tuple[str, str] | None = None) -> Any:  # noqa: ANN401 - JSON
    """One request with a JSON body; the answer's JSON."""
    passwords = urllib.request.HTTPPasswordMgrWithPriorAuth()
    if login:
        passwords.add_password(None, url, *login, is_authenticated=True)
    opener = urllib.request.build_opener(urllib.request.HTTPBasicAuthHandler(passwords))
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", "kbn-xsrf": "true"}
    request = urllib.request.Request(url, data, headers, method=method)
    with opener.open(request, timeout=_TIMEOUT_S) as answer:
        text = answer.read()
    return json.loads(text) if text.strip() else None


def codes(report: HealthReport) -> dict[str, Finding]:
    """What failed or is to be looked at, by code; the first of each."""
    return {finding.code: finding for finding in reversed(report.problems)}
