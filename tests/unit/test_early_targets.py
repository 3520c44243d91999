"""What was asked before it could answer is no failure: it is asked again in a moment."""

import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from obsctl.health import session
from obsctl.health.asking.container_state import ContainerState
from obsctl.health.asking.context import Context
from obsctl.health.asking.probe import Answer
from obsctl.health.asking.run import Check
from obsctl.health.checks.targets import targets_up
from obsctl.health.findings.report import Finding
from tests.engine.health_lab import bare_stack

COMPOSE = "services: { redis-exporter: {} }"
PROMETHEUS = "scrape_configs: [ { job_name: redis } ]"
REFUSED = 'Get "http://redis-exporter:9121/metrics": dial tcp 172.18.0.4:9121: connection refused'


def stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def asked(tmp_path: Path, answers: dict[str, object], *containers: ContainerState) -> Context:
    """A context in which Prometheus has answered already."""
    files = {"docker-compose.yml": COMPOSE, "prometheus/prometheus.yml": PROMETHEUS}
    context = Context(
        bare_stack("shop"), files, tmp_path, tmp_path / "stack", tmp_path, lambda: containers
    )
    for path, data in answers.items():
        body = json.dumps({"status": "success", "data": data}).encode()
        context.once.get(
            ("prometheus", path), partial(Answer, f"http://127.0.0.1{path}", 200, {}, body, 0.001)
        )
    return context


def refused(scraped_at: float) -> dict[str, object]:
    target = {
        "scrapePool": "redis",
        "labels": {"instance": "redis-exporter:9121"},
        "scrapeUrl": "http://redis-exporter:9121/metrics",
        "health": "down",
        "lastError": REFUSED,
        "lastScrape": stamp(scraped_at),
        "scrapeInterval": "15s",
    }
    return {"/api/v1/targets?state=active": {"activeTargets": [target]}}


def started(at: float, status: str = "running") -> ContainerState:
    return ContainerState(
        "redis-exporter", "shop-redis-exporter-1", status, None, 0, oom_killed=False,
        exit_code=0, started_at=at, labels={},
    )  # fmt: skip


def only(context: Context) -> Finding:
    (finding,) = targets_up(context)
    return finding


@pytest.mark.parametrize("at", [994, 1004])
def test_an_error_from_before_the_container_had_started(tmp_path: Path, at: float) -> None:
    finding = only(asked(tmp_path, refused(1000), started(at)))
    assert finding.is_early
    assert "asked before its container had started" in finding.evidence
    assert "again within 15s" in finding.evidence


@pytest.mark.parametrize("state", [started(980), started(1004, "exited"), None])
def test_an_error_of_what_runs_or_does_not_run(
    tmp_path: Path, state: ContainerState | None
) -> None:
    finding = only(asked(tmp_path, refused(1000), *filter(None, [state])))
    assert (finding.state, finding.code) == ("fail", "target-container")


@pytest.mark.parametrize(("loaded_s", "early"), [(3, True), (60, False)])
def test_targets_are_looked_for_after_a_start_or_reload(
    tmp_path: Path, loaded_s: float, *, early: bool
) -> None:
    now = time.time()
    answers: dict[str, object] = {
        "/api/v1/targets?state=active": {"activeTargets": []},
        "/api/v1/status/runtimeinfo": {
            "startTime": stamp(now - 600), "lastConfigTime": stamp(now - loaded_s),
        },
        "? vector(1)": {"resultType": "vector", "result": [{"metric": {}, "value": [now, "1"]}]},
    }  # fmt: skip
    finding = only(asked(tmp_path, answers))
    assert finding.is_early is early
    assert early or finding.code == "target-missing"


@pytest.mark.parametrize(("settle", "runs"), [(True, 3), (False, 1)])
def test_what_is_early_is_waited_for_where_nothing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, settle: bool, runs: int
) -> None:
    context = replace(asked(tmp_path, {}), targets={"prometheus": "http://192.0.2.7"})
    count = 0

    def settles(context: Context) -> list[Finding]:
        nonlocal count
        count += 1
        claim = context.claim("signals", "redis", "is scraped")
        return [claim.ok() if count == 3 else claim.not_yet("first scrape within 1s")]

    monkeypatch.setattr(session, "CHECKS", [Check("signals", "redis", "is scraped", settles)])
    told: list[int] = []
    report = session.check(
        context, session.Patience(settle=settle), lambda report: told.append(len(report.early))
    )
    assert count == runs
    assert bool(report.early) is not settle
    assert told == [1] * settle
