"""`check` names each of many faults in a whole stack by its cause, and cries at none in health.

The faults of a smaller stack, made without obsctl's other stages, are in test_check.
"""

import os
import pty
import signal
import statistics
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import pytest

from obsctl.conventions import SEVERITIES, SINK_FILE
from obsctl.health.asking.run import run_checks
from obsctl.health.canaries import delivery, metric_canary, sink_canary
from obsctl.health.canaries.log_canary import LOG_CHECKS
from obsctl.health.checks import cardinality
from obsctl.health.findings.report import HealthReport
from obsctl.health.telling.text import told
from tests.engine.fault_catalog import (
    METRICS,
    Fault,
    hung,
    rerouted,
    scraping_elsewhere,
    serving,
    silenced,
)
from tests.engine.faults import FAULTS
from tests.engine.full_lab import FullLab, Hook, codes, hook
from tests.engine.project import OBSCTL, ProjectUnderTest, clean_environment, free_port
from tests.kit.engine import ensure_engine
from tests.kit.host import KitUnavailable
from tests.kit.images import stack_images
from tests.kit.tools import ensure_tools, tool_environment
from tests.kit.watched import start_watched
from tests.tiers import unavailable

# The Engine client keeps a connection per thread, and has no way to close it yet.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

NAME = f"obsctl-faults-{os.getpid()}"
# OBSCTL_HEALTHY_RUNS=50 for the figures of a release.
_HEALTHY_RUNS = int(os.environ.get("OBSCTL_HEALTHY_RUNS", "20"))
_WAIT_S = 60
_INTERRUPTED = 130
_HOME, _LEFT = b"\x1b[H", b"\x1b[?1049l"
# A health check passes again only at its next turn, long after its component is well.
_LATE = frozenset({"container-unhealthy"})


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FullLab]:
    try:
        host = ensure_engine().docker_host
        images = stack_images()
        ensure_tools()
    except KitUnavailable as reason:
        unavailable("engine", str(reason))
    app, redis = free_port(), free_port()
    watched = start_watched(host, NAME, app, redis)
    gateway = watched.client.networks.get("bridge").attrs["IPAM"]["Config"][0]["Gateway"]
    environment = clean_environment(tool_environment())
    folder = tmp_path_factory.mktemp("faults")
    project = ProjectUnderTest(folder, NAME, images, environment)
    with hook(gateway) as port:
        lab = FullLab(project, watched, app, redis, port, gateway)
        lab.describe()
        try:
            lab.up()
            yield lab
        finally:
            done = project.obsctl("down", "--volumes")
            watched.remove()
    assert done.code == 0, done.text


@pytest.fixture(scope="module")
def healthy(lab: FullLab) -> FullLab:
    report = lab.check(wait_s=_WAIT_S)
    assert report.healthy, told(report)
    return lab


def test_healthy_is_healthy_every_time(healthy: FullLab) -> None:
    seconds = []
    for _ in range(_HEALTHY_RUNS):
        report = healthy.check()
        assert report.problems == (), told(report)
        seconds.append(report.seconds)
    print(f"{_HEALTHY_RUNS} checks of a healthy stack, median {statistics.median(seconds):.2f} s")


def test_there_are_faults_enough() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 30


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault_is_named(healthy: FullLab, fault: Fault) -> None:
    assert until_well(healthy), fault.name
    with fault.inject(healthy):
        report = until_named(healthy, fault)
    found = codes(report)
    subjects = [f.subject for f in report.problems if f.code == fault.code]
    assert fault.subject in subjects, told(report)
    assert found[fault.code].fix
    assert failing(report) - {fault.code} <= fault.effects, told(report)


def failing(report: HealthReport) -> set[str]:
    return {finding.code for finding in report.findings if finding.state == "fail"} - _LATE


def until_well(lab: FullLab) -> bool:
    """Nothing is left of the fault before."""
    deadline = time.monotonic() + _WAIT_S
    while failing(lab.check()):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def until_named(lab: FullLab, fault: Fault) -> HealthReport:
    """The first report that names the cause, or the last one before patience ends."""
    deadline = time.monotonic() + fault.within_s
    while True:
        report = lab.check()
        if fault.code in codes(report) or time.monotonic() > deadline:
            return report
        time.sleep(0.2)


def test_all_is_well_again(healthy: FullLab) -> None:
    report = healthy.check(wait_s=_WAIT_S)
    assert report.healthy, told(report)


def canaries(report: HealthReport) -> dict[str, str]:
    return {f.claim: f.state for f in report.findings if f.layer == "canaries"}


def test_canaries_arrive_on_every_way(healthy: FullLab) -> None:
    found = canaries(healthy.check(wait_s=_WAIT_S, deep=True))
    assert set(found.values()) == {"ok"}, found
    for kind in ("tcp", "beats", "gelf"):
        assert f"an event over {kind} is found in Elasticsearch" in found
    assert "webhook takes the test notifications" in found
    assert "a counter that rises is found in Prometheus" in found


def test_a_counter_of_somebody_else(healthy: FullLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prometheus scrapes another Alertmanager than the one that was told."""
    monkeypatch.setattr(metric_canary, "_GRACE_S", 4.0)
    body = b'alertmanager_alerts_received_total{status="resolved",version="v2"} 0\n'
    with serving(healthy.gateway, METRICS, body) as port, scraping_elsewhere(healthy, port):
        found = codes(run_checks(healthy.context(), metric_canary.METRIC_CHECKS))
    assert "Prometheus has" in found["canary-metric-lost"].evidence


def test_events_that_nobody_takes_or_that_are_lost(healthy: FullLab) -> None:
    checks = [replace(check, seconds=4.0) for check in LOG_CHECKS if "tcp" in check.claim]
    closed = replace(healthy.context(), files=moved(healthy.context().files, healthy.ports["tcp"]))
    assert "refused" in codes(run_checks(closed, checks))["canary-log-refused"].evidence
    with hung(healthy, "logstash"):
        found = codes(run_checks(healthy.context(), checks))
    assert "not found after" in found["canary-log-lost"].evidence


def moved(files: Mapping[str, str], port: int) -> dict[str, str]:
    """The files of a stack whose port is published as one that nobody listens on."""
    path = "docker-compose.yml"
    return {**files, path: files[path].replace(f"'{port}'", f"'{free_port()}'")}


def test_forgotten_silence(healthy: FullLab) -> None:
    with silenced(healthy):
        found = codes(healthy.check(deep=True))
    assert "a silence" in found["canary-muted"].cause


def test_a_metric_with_too_many_series(healthy: FullLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of Prometheus's own; it counts anew every half a minute, too seldom for one that is made."""
    monkeypatch.setattr(cardinality, "_SERIES_OF_ONE", 10)
    found = codes(healthy.check())["cardinality"]
    assert int(found.evidence.partition(" series; the label `")[0].replace(",", "")) > 10
    assert f"{found.subject} has too many series" == found.cause


def test_receiver_that_refuses(healthy: FullLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prometheus remembers it for a quarter of an hour: after this, nothing waits for green."""
    monkeypatch.setattr(delivery, "_RETRY_S", 1.0)
    Hook.status = 403
    try:
        found = codes(healthy.check(deep=True))
    finally:
        Hook.status = 200
    assert "webhook" in found["notifications-failing"].cause


def firing(bodies: list[bytes]) -> list[bytes]:
    """Notifications of test alerts; that those of an earlier test have ended comes late."""
    return [body for body in bodies if b"ObsctlCanary" in body and b'"firing"' in body]


def test_a_sink_gets_the_alerts_and_nobody_else_does(healthy: FullLab) -> None:
    Hook.bodies.clear()
    found = canaries(healthy.check(receiver_sink=True, deep=True))
    assert set(found.values()) == {"ok"}, found
    for severity in SEVERITIES:
        assert f"alerts of severity {severity} take their route" in found
        assert f"alerts of severity {severity} leave Alertmanager and arrive here" in found
    assert firing(Hook.bodies) == []
    assert not (healthy.folder / "stack" / "alertmanager" / SINK_FILE).exists()
    active = [s for s in healthy.alertmanager("GET", "/api/v2/silences")
              if s["status"]["state"] == "active"]  # fmt: skip
    assert active == []
    assert healthy.alertmanager("GET", '/api/v2/alerts?filter=obsctl_canary!=""') == []


def test_a_sink_that_alertmanager_does_not_reach(
    healthy: FullLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a firewall is in between: on loopback, no container gets to it."""
    monkeypatch.setattr(sink_canary, "host_addresses", lambda: ("127.0.0.1",))
    monkeypatch.setattr(sink_canary, "_ARRIVES_S", 2.0)
    found = codes(healthy.check(receiver_sink=True, deep=True))["canary-sink-silent"]
    assert "connection refused" in found.evidence


def test_a_sink_that_is_not_in_the_loaded_routes(healthy: FullLab) -> None:
    """Its alerts would go to real receivers: they are not sent."""
    Hook.bodies.clear()
    with rerouted(healthy, 'obsctl_sink != ""', 'obsctl_sink = "never"'):
        found = codes(healthy.check(receiver_sink=True, deep=True))
    assert "would go to null, ops" in found["canary-misrouted"].evidence
    assert firing(Hook.bodies) == []


def test_a_sink_whose_address_cannot_be_written(healthy: FullLab) -> None:
    place = healthy.folder / "stack" / "alertmanager" / SINK_FILE
    place.mkdir()
    try:
        found = codes(healthy.check(receiver_sink=True, deep=True))
    finally:
        place.rmdir()
    assert SINK_FILE in found["canary-sink-closed"].evidence


@contextmanager
def watching(lab: FullLab, stdout: int = subprocess.PIPE) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [OBSCTL, "check", "--watch"],
        cwd=lab.folder,
        env={**lab.project.environment, "TERM": "xterm"},
        stdout=stdout,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def test_watch_is_a_line_for_each_run_until_interrupted(healthy: FullLab) -> None:
    with watching(healthy) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(2)]
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == _INTERRUPTED
    assert all("checks in" in line for line in lines), lines


def test_watch_on_a_terminal_redraws_in_place(healthy: FullLab) -> None:
    leader, follower = pty.openpty()
    with watching(healthy, follower) as process, os.fdopen(leader, "rb", buffering=0) as shown:
        os.close(follower)
        text = b""
        while text.count(_HOME) < 2:
            text += shown.read(4096)
        process.send_signal(signal.SIGINT)
        while _LEFT not in text:
            text += shown.read(4096)
        assert process.wait(timeout=10) == _INTERRUPTED
    assert b"Ctrl-C ends" in text
