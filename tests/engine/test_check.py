"""`check` against real components: green is green, and each fault gets its own cause."""

import socket
import threading
import urllib.request
from collections.abc import Iterator

import pytest

from obsctl.health.canaries import alert_canary, delivery
from obsctl.health.canaries.trial import labels_of, try_alert
from obsctl.health.telling.text import told
from obsctl.render.write import write
from tests.engine.health_lab import (
    GROUP_BY,
    PROJECT,
    RULES,
    WAIT_S,
    Lab,
    Sink,
    causes,
    change,
    make_job,
    until_told,
)
from tests.engine.project import free_port

# The Engine client keeps a connection per thread, and has no way to close it yet.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def test_healthy_is_green_every_time(healthy: Lab) -> None:
    report = healthy.check(wait_s=WAIT_S)
    assert report.problems == (), told(report)
    for _ in range(20):
        again = healthy.check()
        assert again.problems == (), told(again)
    layers = {summary.layer for summary in report.layers}
    assert layers == {"containers", "readiness", "configuration", "signals"}


def test_stopped_container(healthy: Lab) -> None:
    healthy.container("alertmanager").stop(timeout=5)
    report = healthy.check()
    found = causes(report)
    assert found["container-exited"].subject == "alertmanager"
    assert "exit code 0" in found["container-exited"].evidence
    # One cause is told once: that it does not answer is no news, its other checks are skipped.
    assert "not-listening" not in found
    states = {f.claim: f.state for f in report.findings if f.subject == "alertmanager"}
    assert states["has loaded alertmanager.yml"] == "skip"


def test_missing_container(healthy: Lab) -> None:
    healthy.remove("alertmanager")
    assert causes(healthy.check())["container-missing"].fix == "obsctl up"
    healthy.start("alertmanager")


def test_paused_container(healthy: Lab) -> None:
    healthy.container("alertmanager").pause()
    report = healthy.check()
    found = causes(report)
    assert found["container-paused"].fix == f"docker unpause {PROJECT}-alertmanager-1"
    # It is not asked: whoever does waits in vain.
    assert "no-answer" not in found


def test_container_of_another_definition(healthy: Lab) -> None:
    text = healthy.files["docker-compose.yml"]
    healthy.files["docker-compose.yml"] = text.replace("spec-of-redis", "newer-spec-of-redis")
    # What is rendered decides: until then, stack/ alone is behind.
    assert {*causes(healthy.check())} == {"stack-stale"}
    write(healthy.rendered(), healthy.folder / "stack")
    found = causes(healthy.check())
    assert {*found} == {"container-outdated"}
    assert found["container-outdated"].subject == "redis-exporter"


def test_killed_for_memory(healthy: Lab) -> None:
    healthy.remove("redis-exporter")
    eater = "import sys; data = []\nwhile True: data.append(bytearray(10**7))"
    container = healthy.client.containers.create(
        healthy.images["redis"],
        entrypoint=["python3", "-c", eater],
        name=f"{PROJECT}-redis-exporter-1",
        labels={"com.docker.compose.project": PROJECT}
        | {"com.docker.compose.service": "redis-exporter", "com.docker.compose.oneoff": "False"},
        mem_limit="32m",
        memswap_limit="32m",
    )
    try:
        container.start()
        container.wait(timeout=30)
        until_told(healthy, "target-refused")
        found = causes(healthy.check())
        assert found["container-out-of-memory"].subject == "redis-exporter"
        assert found["target-refused"].subject == "redis"
    finally:
        healthy.start("redis-exporter")


def test_file_that_was_not_reloaded(healthy: Lab) -> None:
    healthy.jobs = [make_job("added", 1)]
    healthy.rules = RULES.replace("0.10", "0.20")
    healthy.write()
    found = causes(healthy.check())
    assert "`added` is not loaded" in found["config-not-loaded"].evidence
    assert "Errors.expr" in found["rules-not-loaded"].evidence


def test_file_that_prometheus_refuses(healthy: Lab) -> None:
    healthy.rules = "groups: [ { name: x, rules: [ { alert: A, expr: 'sum(' } ] } ]"
    change(healthy)
    assert causes(healthy.check())["reload-failed"].subject == "prometheus"


def test_edited_file(healthy: Lab) -> None:
    file = healthy.folder / "stack" / "alertmanager" / "alertmanager.yml"
    file.write_text(file.read_text().replace("group_wait: 1s", "group_wait: 2s"))
    found = causes(healthy.check())
    assert "-  group_wait: 2s" in found["stack-edited"].evidence
    assert "`route.group_wait`" in found["config-not-loaded"].evidence


def test_database_down_behind_a_live_exporter(healthy: Lab) -> None:
    """The exporter answers, `up` is 1, and nothing works."""
    healthy.remove("redis-exporter")
    port, healthy.redis_port = healthy.redis_port, free_port()
    healthy.start("redis-exporter")
    until_told(healthy, "backend-down")
    found = causes(healthy.check())
    assert found["backend-down"].subject == "redis"
    assert "redis_up" in found["backend-down"].evidence
    healthy.redis_port = port
    healthy.start("redis-exporter")
    assert healthy.check(wait_s=WAIT_S).healthy


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A server that takes connections and says nothing."""
    server = socket.create_server(("127.0.0.1", 0))
    held: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                held.append(server.accept()[0])
            except OSError:
                return

    threading.Thread(target=accept, daemon=True).start()
    yield server.getsockname()[1]
    server.close()
    for connection in held:
        connection.close()


def test_every_way_a_target_can_be_wrong(healthy: Lab, silent_port: int) -> None:
    web = healthy.sink_port
    lax = {"fallback_scrape_protocol": "PrometheusText0.0.4"}
    expected = {
        "refused": ("target-refused", make_job("refused", free_port())),
        "redis-port": ("target-not-http", make_job("redis-port", healthy.redis_port)),
        "page": ("target-content-type", make_job("page", web) | {"metrics_path": "/page"}),
        "lax": ("target-not-metrics", make_job("lax", web) | {"metrics_path": "/page"} | lax),
        "path": ("target-path", make_job("path", web)),
        "plain": ("target-not-tls", make_job("plain", web) | {"scheme": "https"}),
        "silent": ("target-timeout", make_job("silent", silent_port)),
        "name": (
            "target-name",
            {"job_name": "name", "static_configs": [{"targets": ["no-such-host.invalid:80"]}]},
        ),
    }
    healthy.jobs = [job for _, job in expected.values()]
    change(healthy)
    for code, _ in expected.values():
        until_told(healthy, code)
    failed = {f.subject: f.code for f in healthy.check().problems if f.subject in expected}
    assert failed == {name: code for name, (code, _) in expected.items()}


def test_rules_that_are_dead_broken_and_firing(healthy: Lab) -> None:
    healthy.rules = (
        RULES
        + """
      - { alert: Dead, expr: 'nobody_exports_this{job="prometheus"} > 1' }
      - { alert: WrongLabel, expr: 'up{job="prometheus",status="500"} > 1' }
      - { alert: Broken, expr: 'up + on () up' }
      - { alert: Firing, expr: 'up{job="redis"} == 1' }
"""
    )
    change(healthy)
    until_told(healthy, "alert-firing")
    problems = {finding.subject: finding for finding in healthy.check().problems}
    assert {name: finding.code for name, finding in problems.items()} == {
        "Dead": "rule-dead",
        "WrongLabel": "rule-dead",
        "Broken": "rule-error",
        "Firing": "alert-firing",
    }
    assert "has no label `status`" in problems["WrongLabel"].evidence


def test_history_that_the_size_limit_cuts(healthy: Lab) -> None:
    healthy.flags = ["--storage.tsdb.retention.time=15d", "--storage.tsdb.retention.size=100KB"]
    healthy.write()
    healthy.start("prometheus")
    until_told(healthy, "history-cut")
    found = causes(healthy.check())["history-cut"]
    assert "in 15 days; the limit is 100 KiB" in found.evidence
    assert found.state == "warn"
    healthy.flags = []
    healthy.write()
    healthy.start("prometheus")


def test_another_program_on_the_port(healthy: Lab) -> None:
    files = healthy.files["docker-compose.yml"]
    port = healthy.ports["alertmanager"]
    healthy.files["docker-compose.yml"] = files.replace(str(port), str(healthy.sink_port))
    assert causes(healthy.check())["not-ready"].subject == "alertmanager"


def test_without_engine_the_rest_is_checked(healthy: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    report = healthy.check()
    assert [finding.code for finding in report.problems] == ["engine-unreachable"]
    assert "signals" in {summary.layer for summary in report.layers}


def test_canary_alerts_are_delivered_and_gone(healthy: Lab) -> None:
    report = healthy.check(wait_s=WAIT_S, deep=True)
    canaries = [finding for finding in report.findings if finding.layer == "canaries"]
    assert {finding.state for finding in canaries} == {"ok"}, canaries
    assert any("webhook" in f.claim and "delivered after" in f.evidence for f in canaries)
    url = f"http://127.0.0.1:{healthy.ports['alertmanager']}/api/v2/alerts?filter=obsctl_canary!="
    with urllib.request.urlopen(url, timeout=5) as answer:
        assert answer.read().strip() == b"[]"


def test_canary_alerts_again_and_again(healthy: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each in a group of its own: others of a group wait for five minutes."""
    monkeypatch.setattr(alert_canary, "GRACE_S", 4.0)
    for _ in range(2):
        assert healthy.check(wait_s=WAIT_S, deep=True).healthy
    healthy.group_by = ["alertname", "service"]
    healthy.write()
    healthy.start("alertmanager")
    assert healthy.check(wait_s=WAIT_S, deep=True).healthy
    waiting = causes(healthy.check(wait_s=WAIT_S, deep=True))["canary-waiting"]
    assert "webhook" in waiting.cause
    healthy.group_by = [*GROUP_BY]
    healthy.write()
    healthy.start("alertmanager")


def test_alert_test_tells_the_way_and_the_outcome(healthy: Lab) -> None:
    healthy.rules = RULES + "      - { alert: RedisDown, expr: up, labels: { severity: info } }\n"
    healthy.write()
    asked = healthy.asked()
    steps = list(try_alert(asked, labels_of(asked, "RedisDown", "")))
    text = [step.text for step in steps]
    assert text[:2] == [
        'labels: alertname="RedisDown", severity="critical"',
        "RedisDown has other severities (--severity): info",
    ]
    assert 'severity=~"warning|critical" > receiver `ops` (webhook)' in text[2]
    assert any(line.startswith("webhook: delivered after") for line in text)
    assert all(step.ok for step in steps)
    assert text[-1] == "resolved: Alertmanager lists it no more"
    text = [step.text for step in try_alert(asked, labels_of(asked, "RedisDown", "info"))]
    assert "nobody is told: no receiver stands behind `null` (notifications.routes)" in text


def test_alerts_that_nobody_takes(healthy: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """They fail until one is taken; what was lost until then is told."""
    monkeypatch.setattr(delivery, "_RETRY_S", 1.0)
    Sink.status = 403
    report = healthy.check(wait_s=WAIT_S, deep=True)
    failing = causes(report)["notifications-failing"]
    assert failing.layer == "canaries"
    assert "webhook" in failing.cause
    assert failing.evidence.startswith("failed after")
    asked = healthy.asked()
    steps = list(try_alert(asked, labels_of(asked, "", "warning")))
    (failed,) = [step for step in steps if not step.ok]
    assert failed.text.startswith("webhook: failed after")
    assert "unexpected status code 403" in failed.text
    failing = until_told(healthy, "notifications-failing")
    assert failing.layer == "signals"
    assert "the last attempt failed, too\nAlertmanager logged: ops" in failing.evidence
    Sink.status = 200
    assert all(step.ok for step in try_alert(asked, labels_of(asked, "", "warning")))
    report = healthy.check()
    assert report.healthy, told(report)
    lost = causes(report)["notifications-lost"]
    assert lost.evidence.endswith("the last notification was delivered")
