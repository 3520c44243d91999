"""Faults that can befall a running stack: each puts one in, and takes it out again."""

import contextlib
import json
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from tests.engine.full_lab import FullLab
from tests.engine.project import eventually

Injection = Callable[[FullLab], AbstractContextManager[object]]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is done, and the cause that `check` has to name, with the part it is about."""

    name: str
    code: str
    subject: str
    inject: Injection
    effects: frozenset[str] = frozenset()  # causes that may be told beside it
    within_s: float = 20


@contextmanager
def stopped(lab: FullLab, service: str) -> Iterator[None]:
    container = lab.container(service)
    container.stop(timeout=2)
    try:
        yield
    finally:
        container.start()


@contextmanager
def paused(lab: FullLab, service: str) -> Iterator[None]:
    container = lab.container(service)
    container.pause()
    try:
        yield
    finally:
        container.unpause()


@contextmanager
def gone(lab: FullLab, service: str) -> Iterator[None]:
    """Under another name a container is none of the project's own any more."""
    container = lab.container(service)
    name = str(container.name)
    container.rename(f"{name}-elsewhere")
    try:
        yield
    finally:
        container.rename(name)


@contextmanager
def hung(lab: FullLab, service: str) -> Iterator[None]:
    """All its processes are stopped by a signal: it runs, says the Engine, and does nothing."""
    pids = [int(row[1]) for row in lab.container(service).top()["Processes"]]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@contextmanager
def edited(lab: FullLab, path: str, change: Callable[[str], str]) -> Iterator[None]:
    """A file of the project reads otherwise; `change` has to change something."""
    file = lab.folder / path
    text = file.read_text()
    assert change(text) != text, path
    file.write_text(change(text))
    try:
        yield
    finally:
        file.write_text(text)


@contextmanager
def rendered_only(lab: FullLab, old: str, new: str) -> Iterator[None]:
    """The project file has changed and stack/ is rendered, and nobody has run `up`."""
    with edited(lab, "obsctl.yaml", lambda text: text.replace(old, new, 1)):
        lab.render()
        yield
    lab.render()


@contextmanager
def without_file(lab: FullLab, path: str) -> Iterator[None]:
    file = lab.folder / path
    aside = file.with_name(f"{file.name}.aside")
    file.rename(aside)
    try:
        yield
    finally:
        aside.rename(file)


@contextmanager
def stale_mount(lab: FullLab, path: str, old: str, new: str) -> Iterator[None]:
    """The file's folder was replaced: the container has the old one mounted, and sees no change."""
    file = lab.folder / path
    folder = file.parent
    aside = folder.with_name(f"{folder.name}.aside")
    folder.rename(aside)
    shutil.copytree(aside, folder)
    try:
        with edited(lab, path, lambda text: text.replace(old, new)):
            yield
    finally:
        shutil.rmtree(folder)
        aside.rename(folder)


@contextmanager
def off_the_network(lab: FullLab, service: str) -> Iterator[None]:
    """It runs and is healthy, and nobody finds it any more."""
    container = lab.container(service)
    network = lab.watched.client.networks.get(f"{lab.project.name}_observability")
    network.disconnect(container)
    try:
        yield
    finally:
        network.connect(container, aliases=[service])


@contextmanager
def misbehaving(lab: FullLab, component: str, fault: str) -> Iterator[None]:
    lab.misbehave(component, fault)
    try:
        yield
    finally:
        lab.misbehave(component)


@contextmanager
def replaced(lab: FullLab, path: str, body: object, restore: object = None) -> Iterator[None]:
    """Something in Elasticsearch is another one; None deletes it. What was there comes back."""
    before = restore or lab.elastic("GET", path)
    lab.elastic("DELETE" if body is None else "PUT", path, body)
    try:
        yield
    finally:
        lab.elastic("PUT", path, before)


@contextmanager
def role(lab: FullLab, name: str, body: object) -> Iterator[None]:
    path = f"/_security/role/{name}"
    with replaced(lab, path, body, lab.elastic("GET", path)[name]):
        yield


@contextmanager
def template(lab: FullLab, body: object) -> Iterator[None]:
    path = "/_component_template/logs@custom"
    found = lab.elastic("GET", path)["component_templates"][0]["component_template"]
    with replaced(lab, path, body, {"template": found["template"]}):
        yield


@contextmanager
def password_in_elasticsearch(lab: FullLab, user: str) -> Iterator[None]:
    path, secret = f"/_security/user/{user}/_password", f"{user}_password"
    lab.elastic("POST", path, {"password": "another-one"})
    try:
        yield
    finally:
        lab.elastic("POST", path, {"password": lab.password(secret)})


@contextmanager
def full_disk(lab: FullLab) -> Iterator[None]:
    """The watermark is above all that a disk can have free."""
    with flood_stage(lab, "900tb"):
        yield


@contextmanager
def disk_nearly_full(lab: FullLab) -> Iterator[None]:
    """What is free is a little more than the watermark."""
    (node,) = lab.elastic("GET", "/_nodes/stats/fs")["nodes"].values()
    free = node["fs"]["total"]["available_in_bytes"]
    with flood_stage(lab, f"{free * 2 // 3}b"):
        yield


@contextmanager
def flood_stage(lab: FullLab, size: str) -> Iterator[None]:
    key = "cluster.routing.allocation.disk.watermark.flood_stage"
    lab.elastic("PUT", "/_cluster/settings", {"persistent": {key: size}})
    try:
        yield
    finally:
        lab.elastic("PUT", "/_cluster/settings", {"persistent": {key: None}})


@contextmanager
def data_view_deleted(lab: FullLab) -> Iterator[None]:
    path = "/api/data_views/data_view/obsctl-logs"
    lab.kibana("DELETE", path)
    try:
        yield
    finally:
        body = (lab.folder / "stack/kibana-setup/data_view.json").read_text()
        lab.kibana("POST", "/api/data_views/data_view", json.loads(body))


@contextmanager
def provisioned(lab: FullLab, kind: str, inner: AbstractContextManager[object]) -> Iterator[None]:
    """Grafana reads its files again with the fault in them, and again without it."""
    with inner:
        lab.grafana("POST", f"/api/admin/provisioning/{kind}/reload")
        yield
    lab.grafana("POST", f"/api/admin/provisioning/{kind}/reload")


@contextmanager
def reloaded(lab: FullLab, inner: AbstractContextManager[object]) -> Iterator[None]:
    """Prometheus takes its files with the fault in them, and again without it."""
    with inner:
        lab.reload_prometheus()
        yield
    lab.reload_prometheus()


@contextmanager
def rerouted(lab: FullLab, old: str, new: str) -> Iterator[None]:
    """Alertmanager takes its file with another route in it, and again without."""
    path = "stack/alertmanager/alertmanager.yml"
    with edited(lab, path, lambda text: text.replace(old, new)):
        lab.reload_alertmanager()
        yield
    lab.reload_alertmanager()


@contextmanager
def silenced(lab: FullLab) -> Iterator[None]:
    """A silence that somebody forgot: it covers every alert."""
    matcher = {"name": "alertname", "value": ".+", "isRegex": True, "isEqual": True}
    span = {"startsAt": "2020-01-01T00:00:00Z", "endsAt": "2099-01-01T00:00:00Z"}
    about = {"createdBy": "somebody", "comment": "forgotten", "matchers": [matcher]}
    made = lab.alertmanager("POST", "/api/v2/silences", {**span, **about})
    try:
        yield
    finally:
        lab.alertmanager("DELETE", f"/api/v2/silence/{made['silenceID']}")


@contextmanager
def target(lab: FullLab, address: str, settings: str = "") -> Iterator[None]:
    """One more scrape job in what Prometheus has loaded, as obsctl.yaml would have made it."""
    job = (
        f"\n  - {{ job_name: odd, {settings} static_configs: [ {{ targets: ['{address}'] }} ] }}\n"
    )
    place = "\nscrape_configs:"
    files = edited(
        lab, "stack/prometheus/prometheus.yml", lambda text: text.replace(place, place + job)
    )
    with reloaded(lab, files):
        yield


@contextmanager
def scraping_elsewhere(lab: FullLab, port: int) -> Iterator[None]:
    """The job of Alertmanager scrapes this port of the host."""
    job = "job_name: alertmanager\n    static_configs:\n      - targets:\n          - "
    old, new = f"{job}alertmanager:9093", f"{job}host.docker.internal:{port}"
    files = edited(lab, "stack/prometheus/prometheus.yml", lambda text: text.replace(old, new))
    with reloaded(lab, files):
        # Prometheus takes new targets over every five seconds.
        up = f'up{{job="alertmanager",instance="host.docker.internal:{port}"}}'
        eventually(lambda: bool(lab.context().query(up)), "the other target is scraped")
        yield


@contextmanager
def serving(address: str, kind: str, body: bytes) -> Iterator[int]:
    """The port of an app whose metrics path answers this body."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.end_headers()
            with contextlib.suppress(ConnectionError):
                self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Say nothing: the test tells what matters."""

    server = ThreadingHTTPServer((address, 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def served(lab: FullLab, kind: str, body: bytes, *, loopback: bool = False) -> Iterator[None]:
    with (
        serving("127.0.0.1" if loopback else lab.gateway, kind, body) as port,
        target(lab, f"host.docker.internal:{port}"),
    ):
        yield


METRICS: Final = "text/plain; version=0.0.4"
