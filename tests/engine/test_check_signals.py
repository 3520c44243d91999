"""Signals that are wrong though every component is well: targets, alerts, clocks and disks."""

import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from obsctl.health.checks import alertmanager, prometheus, rules
from tests.engine.health_lab import (
    RULES,
    Lab,
    causes,
    change,
    make_job,
    until_told,
)
from tests.engine.project import free_port
from tests.tiers import unavailable

# The Engine client keeps a connection per thread, and has no way to close it yet.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

_DAY_S = 86_400


class App(BaseHTTPRequestHandler):
    """Answers by path: a status, metrics, or metrics that take their time."""

    metrics = b"x 1\n"

    def do_GET(self) -> None:
        status = {"/401": 401, "/500": 500, "/loop": 302}.get(self.path, 200)
        if self.path == "/slow":
            time.sleep(0.9)  # of the second that a scrape has
        self.send_response(status)
        self.send_header("Location", self.path)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(self.metrics)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing: the test tells what matters."""


@contextmanager
def app(context: ssl.SSLContext | None = None) -> Iterator[int]:
    """The port of the app, on loopback; over TLS where there is a context."""
    App.metrics = b"x 1\n"
    server = ThreadingHTTPServer(("127.0.0.1", 0), App)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def self_signed(tmp_path: Path) -> ssl.SSLContext:
    file = tmp_path / "app.pem"
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    named = ["-nodes", "-days", "1", "-subj", "/CN=app", "-addext", "subjectAltName=IP:127.0.0.1"]
    try:
        subprocess.run(
            [*made, *named, "-keyout", file, "-out", tmp_path / "certificate.pem"],
            check=True,
            capture_output=True,
        )
    except FileNotFoundError as reason:
        unavailable("engine", f"openssl is missing: {reason}")
    file.write_text(file.read_text() + (tmp_path / "certificate.pem").read_text())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def test_targets_that_answer_otherwise(
    healthy: Lab, self_signed: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app() as port, app(self_signed) as secure:
        jobs: dict[str, dict[str, Any]] = {
            "target-credentials": make_job("a", port) | {"metrics_path": "/401"},
            "target-status": make_job("b", port) | {"metrics_path": "/500"},
            "target-down": make_job("c", port) | {"metrics_path": "/loop"},
            "target-limit": make_job("d", port) | {"body_size_limit": "1B"},
            "scrape-slow": make_job("e", port) | {"metrics_path": "/slow"},
            "target-certificate": make_job("f", secure) | {"scheme": "https"},
            "target-no-route": {
                "job_name": "h",
                "static_configs": [{"targets": ["[2001:db8::1]:80"]}],
            },
            "target-missing": {"job_name": "i", "file_sd_configs": [{"files": ["none.json"]}]},
        }
        seldom = make_job("g", port) | {"scrape_interval": "1h"}
        healthy.jobs = [*jobs.values(), seldom]
        change(healthy)
        assert "target-missing" not in causes(healthy.check())  # it is looked for
        monkeypatch.setattr(prometheus, "_DISCOVERY_S", 0.0)
        found = {code: until_told(healthy, code).subject for code in jobs}
        assert {finding.subject for finding in healthy.check().early} == {"g"}
    assert found == {code: job["job_name"] for code, job in jobs.items()}


def test_metrics_that_tell_of_trouble(healthy: Lab) -> None:
    """Of a probe, of a host's clock and disk, and of containers without names."""
    with app() as port:
        App.metrics = f"""\
probe_ssl_earliest_cert_expiry {time.time() + 5 * _DAY_S}
node_time_seconds {time.time() - 600}
node_filesystem_avail_bytes{{mountpoint="/"}} 1000
cadvisor_version_info{{cadvisorVersion="0.52.1"}} 1
process_start_time_seconds 1
container_last_seen{{id="/"}} 1
""".encode()
        healthy.jobs = [make_job("host", port)]
        healthy.watches_host = True
        change(healthy)
        assert "days left" in until_told(healthy, "certificate-ends").evidence
        assert " s apart" in until_told(healthy, "clock-skew").evidence
        assert "0.52.1" in until_told(healthy, "containers-unnamed").evidence
        assert "1000 B are free" in until_told(healthy, "disk-forecast").evidence


def test_alerts_and_panels_that_say_nothing(healthy: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """An alert that fires ever since there is data, panels that nobody feeds or that fail."""
    monkeypatch.setattr(rules, "_LONG_S", 0)
    healthy.rules = RULES + "      - { alert: Noise, expr: 'up{job=\"redis\"} == 1' }\n"
    panels = [
        {"title": title, "datasource": {"uid": "obsctl-prometheus"}, "targets": [{"expr": expr}]}
        for title, expr in (("Empty", "nobody_exports_this"), ("Broken", "sum("))
    ]
    healthy.panels = {"uid": "lab", "title": "Lab", "panels": panels}
    change(healthy)
    assert until_told(healthy, "alert-always-firing").subject == "Noise"
    assert until_told(healthy, "panel-empty").subject == "lab/Empty"
    assert until_told(healthy, "panel-error").subject == "lab/Broken"


def test_alerts_that_do_not_come_to_alertmanager(
    healthy: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last one of this lab: errors are remembered for longer than a test waits."""
    monkeypatch.setattr(alertmanager, "_RESEND_S", 0.0)
    monkeypatch.setattr(prometheus, "_DISCOVERY_S", 0.0)
    healthy.alertmanagers = []
    change(healthy)
    until_told(healthy, "alertmanager-unknown")
    healthy.start("alertmanager")  # without the alerts that it had
    assert "Watchdog" in until_told(healthy, "watchdog-silent").evidence
    healthy.alertmanagers = [f"127.0.0.1:{free_port()}"]
    change(healthy)
    assert (
        "sends failed in 5 minutes, the last one too"
        in until_told(healthy, "alertmanager-refuses").evidence
    )
    assert causes(healthy.check())["watchdog-silent"].subject == "alertmanager"
