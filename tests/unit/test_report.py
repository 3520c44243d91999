"""The report: order, exit code, and its three forms."""

import json
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from pydantic import ValidationError

from obsctl.health.findings.claim import Claim
from obsctl.health.findings.report import LAYERS, SCHEMA_VERSION, STATES, HealthReport
from obsctl.health.telling.schema import ReportDocument, report_schema
from obsctl.health.telling.text import Style, progress, told

OK = Claim("readiness", "prometheus", "is ready").ok("200 in 3 ms")
DOWN = Claim("signals", "backend", "target localhost:3000 is scraped").fail(
    "target-refused", "connection refused", place="port 3000 of the Docker host", job="backend"
)
GONE = Claim("containers", "redis-exporter", "runs").fail("container-missing", "none\x1b[31m")
DEAD = [
    Claim("signals", f"Alert{number}", "can fire").warn(
        "rule-dead", "no series `x`", rule=f"Alert{number}", metric="x"
    )
    for number in range(6)
]
SKIPPED = Claim("signals", "grafana", "panels answer").skip("prometheus is not ready")
REPORT = HealthReport.of([OK, *DEAD, SKIPPED, DOWN, GONE], 0.25)


def test_worst_first_and_causes_before_effects() -> None:
    assert [finding.subject for finding in REPORT.findings[:3]] == [
        "redis-exporter",
        "backend",
        "Alert0",
    ]
    assert [finding.state for finding in REPORT.findings[-2:]] == ["skip", "ok"]


def test_exit_code_is_that_of_failures_alone() -> None:
    assert REPORT.exit_code == 1
    assert HealthReport.of([OK, *DEAD, SKIPPED]).exit_code == 0


def test_json_holds_everything_under_a_version() -> None:
    document = json.loads(REPORT.to_json())
    assert (document["schema"], document["healthy"], document["seconds"]) == (1, False, 0.25)
    assert document["summary"] == {"fail": 2, "warn": 6, "skip": 1, "ok": 1}
    assert set(document["findings"][0]) == {
        "layer", "subject", "claim", "state", "evidence", "code", "cause", "fix", "part"
    }  # fmt: skip
    assert document["findings"][1]["cause"] == "nothing listens on port 3000 of the Docker host"


def test_json_is_of_the_published_form() -> None:
    report = ReportDocument.model_validate_json(REPORT.to_json())
    assert len(report.findings) == len(REPORT.findings)
    document = json.loads(REPORT.to_json())
    for wrong in ({**document, "more": 1}, {**document, "schema": 2}, {**document, "healthy": 1}):
        with pytest.raises(ValidationError):
            ReportDocument.model_validate(wrong)


def test_the_schema_names_every_key_and_state() -> None:
    schema = report_schema()
    document = json.loads(REPORT.to_json())
    assert set(schema["required"]) == set(schema["properties"]) == set(document)
    finding = schema["$defs"]["FindingDocument"]
    assert set(finding["required"]) == set(document["findings"][0])
    assert tuple(finding["properties"]["state"]["enum"]) == STATES
    assert tuple(finding["properties"]["layer"]["enum"]) == LAYERS
    assert schema["properties"]["schema"]["const"] == SCHEMA_VERSION
    assert schema["additionalProperties"] is finding["additionalProperties"] is False


def test_junit_is_xml_whatever_the_evidence_holds() -> None:
    root = ET.fromstring(REPORT.to_junit())  # noqa: S314 - our own text
    suites = {suite.get("name"): suite for suite in root}
    assert list(suites) == ["containers", "readiness", "signals"]
    signals = suites["signals"]
    assert (signals.get("tests"), signals.get("failures"), signals.get("skipped")) == (
        "8",
        "1",
        "1",
    )
    failure = suites["containers"].find("testcase/failure")
    assert failure is not None
    assert failure.get("type") == "container-missing"
    assert "fix: obsctl up" in (failure.text or "")


def test_text_says_cause_evidence_fix_and_collapses_what_is_alike() -> None:
    text = told(REPORT)
    lines = text.splitlines()
    assert lines[0] == "FAIL  redis-exporter has no container"
    assert "      evidence  connection refused" in lines
    assert any(line.startswith("      fix       start backend") for line in lines)
    assert "      more      obsctl explain target-refused" in lines
    assert "warn  alerts that cannot fire: Alert0, Alert1, Alert2, Alert3, Alert4, Alert5" in lines
    assert "ok    readiness      1 ok" in lines
    assert lines[-2] == "unhealthy: 2 failed, 6 to look at (10 checks in 0.2 s)"


def test_verbose_tells_remarks_in_full_and_what_is_well() -> None:
    lines = told(REPORT, Style(verbose=True)).splitlines()
    assert sum(line == "      evidence  no series `x`" for line in lines) == len(DEAD)
    assert "      ok    prometheus: is ready: 200 in 3 ms" in lines


def test_lines_fit_the_terminal() -> None:
    for columns in (60, 100):
        text = told(REPORT, Style(columns))
        assert max(map(len, text.splitlines())) <= columns
    assert "warn  alerts that cannot fire: Alert0, Alert1 and 4 more" in told(REPORT, Style(60))
    long = [replace(DEAD[0], subject=f"{'A' * 60}{number}") for number in range(2)]
    assert told(HealthReport.of(long), Style(60)).startswith(
        "warn  alerts that cannot fire: 2 in all"
    )


def test_it_is_short_where_the_terminal_has_too_few_rows() -> None:
    full = told(REPORT, Style(80, rows=40))
    assert full == told(REPORT, Style(80))
    assert told(REPORT, Style(80, rows=14, verbose=True)) == told(REPORT, Style(80, verbose=True))
    lines = told(REPORT, Style(80, rows=14)).splitlines()
    assert len(lines) < len(full.splitlines())
    assert max(map(len, lines)) <= 80
    assert lines[:4] == [
        "FAIL  redis-exporter has no container [container-missing]",
        "      none\x1b[31m",
        "      fix: obsctl up",
        "FAIL  backend: nothing listens on port 3000 of the Docker host [target-refused]",
    ]
    assert lines[-1].startswith("all evidence: obsctl check --verbose")


def test_the_verdict_goes_on_top_where_the_end_may_be_cut() -> None:
    lines = told(REPORT, Style(80, rows=14, verdict_on_top=True)).splitlines()
    assert lines[0] == "unhealthy: 2 failed, 6 to look at (10 checks in 0.2 s)"
    assert lines[2].startswith("FAIL  redis-exporter")
    assert sum(line.startswith("unhealthy") for line in lines) == 1


def test_in_short_what_is_alike_is_told_once() -> None:
    down = [
        Claim("containers", name, "runs").fail("container-missing", "none") for name in ("a", "b")
    ]
    lines = told(HealthReport.of(down), Style(80, rows=5)).splitlines()
    assert lines[3:5] == ["      and 1 more of `container-missing`: b", ""]


def test_what_does_not_apply_is_no_blemish() -> None:
    absent = Claim("readiness", "RedisReplicaLinkDown", "can fire").not_applicable("on replicas")
    report = HealthReport.of([OK, absent], 0.1)
    assert told(report).splitlines()[0] == "ok    readiness      1 ok, 1 not applicable"
    assert absent.evidence not in told(report)
    assert absent.evidence in told(report, Style(verbose=True))


def test_what_is_early_is_told_by_name_and_is_no_failure() -> None:
    claims = [Claim("signals", name, "is scraped") for name in ("backend", "redis")]
    report = HealthReport.of([OK, *(claim.not_yet("first scrape within 15s") for claim in claims)])
    assert report.exit_code == 0
    lines = told(report).splitlines()
    assert lines[0] == "skip  too early to tell: backend, redis"
    assert lines[-1] == "healthy so far, 2 too early to tell (3 checks in 0.0 s)"
    assert progress(report) == "waiting: too early to tell: backend, redis"
    both = HealthReport.of([*report.findings, DOWN])
    assert both.exit_code == 1
    assert progress(both).startswith("waiting: backend: nothing listens")
    assert told(both).splitlines()[-1].startswith("unhealthy: 1 failed, 2 too early to tell")


def test_green_is_five_lines() -> None:
    assert told(HealthReport.of([OK], 0.1)).splitlines() == [
        "ok    readiness      1 ok",
        "",
        "healthy (1 checks in 0.1 s)",
    ]


def test_long_evidence_is_cut() -> None:
    finding = Claim("signals", "x", "y").ok("z" * 100_000)
    assert len(finding.evidence) < 3000


def test_a_single_line_is_never_left_out() -> None:
    evidence = "\n".join(f"line {number}" for number in range(13))
    failed = Claim("readiness", "kibana", "answers").fail("container-missing", evidence)
    text = told(HealthReport.of([failed], 0.1))
    assert "line 12" in text
    assert "more line" not in text
