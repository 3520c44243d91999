"""Objectives: windows, factors, limits, and objectives that nobody can measure."""

from pathlib import Path

import pytest

from tests.unit.catalog_support import SMALL, problems_of, rules_of

BOTH = "slo: { api: { availability: 99.9%, latency: { under: 2s, ratio: 95% } } }\n"


def test_rates_and_windows(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, SMALL + BOTH)
    found = {
        (rule.alert, rule.labels["severity"]): rule.expr
        for group in rules.groups
        for rule in group.rules
        if rule.alert in ("ErrorBudgetBurn", "LatencyBudgetBurn")
    }
    page = found["ErrorBudgetBurn", "critical"]
    assert 'ratio_rate1h{job="api"} > 0.0144 and ' in page
    assert 'ratio_rate5m{job="api"} > 0.0144' in page
    assert 'ratio_rate6h{job="api"} > 0.006 and ' in page
    ticket = found["ErrorBudgetBurn", "warning"]
    assert 'ratio_rate3d{job="api"} > 0.001 and ' in ticket
    assert "> 0.72" in found["LatencyBudgetBurn", "critical"]


def test_one_recording_for_each_window(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, SMALL + BOTH)
    records = [rule.record for group in rules.groups for rule in group.rules if rule.record]
    for window in ("5m", "30m", "1h", "6h", "3d"):
        assert records.count(f"job:http_request_errors_per_request:ratio_rate{window}") == 1
        assert records.count(f"job:http_request_slow_per_request:ratio_rate{window}") == 1


def test_no_objective_no_windows(tmp_path: Path) -> None:
    assert "ratio_rate3d" not in str(rules_of(tmp_path, SMALL).groups)


@pytest.mark.parametrize(
    ("objective", "problem"),
    [
        ("availability: 90%", "14.4 times a budget of 10% is more than all requests"),
        ("latency: { under: 3s, ratio: 95% }", "`3s` is no bound of the latency histogram"),
        ("latency: { under: 2s, ratio: 80% }", "could never fire"),
    ],
)
def test_what_cannot_be_measured_is_refused(tmp_path: Path, objective: str, problem: str) -> None:
    found = problems_of(tmp_path, SMALL + f"slo: {{ api: {{ {objective} }} }}\n")
    assert any(problem in line for line in found), found
    assert all(line.startswith("5:") for line in found)


def test_a_kind_without_requests_has_no_objective(tmp_path: Path) -> None:
    text = SMALL + "  cache: { kind: redis, address: localhost:6379 }\nslo: { cache: { "
    found = problems_of(tmp_path, text + "availability: 99% } }\n")
    assert any("the kind `redis` has no objective `availability`" in line for line in found)
