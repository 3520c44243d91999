"""Rendered against loaded: what processes normalise is equal, what changed is named."""

from typing import Any

import pytest
import yaml

from obsctl.engine.components.compare import first_difference, normalised, rules_difference

RENDERED = """
global: { scrape_interval: 90s, evaluation_interval: 15s }
rule_files: [ alert_rules.yml ]
alerting: { alertmanagers: [ { static_configs: [ { targets: [ 'alertmanager:9093' ] } ] } ] }
scrape_configs:
  - job_name: backend
    honor_labels: false
    basic_auth: { username: a, password: pw }
    static_configs: [ { targets: [ 'host.docker.internal:3000' ], labels: { service: backend } } ]
  - job_name: redis
    static_configs: [ { targets: [ 'redis-exporter:9121' ] } ]
"""
# In the form in which Prometheus 3.5 answers: defaults added, durations and paths normalised.
LOADED = """
global:
  scrape_interval: 1m30s
  scrape_timeout: 10s
  scrape_protocols: [ OpenMetricsText1.0.0 ]
  evaluation_interval: 15s
runtime: { gogc: 75 }
alerting:
  alertmanagers:
  - scheme: http
    timeout: 10s
    static_configs: [ { targets: [ 'alertmanager:9093' ] } ]
rule_files: [ /etc/prometheus/alert_rules.yml ]
scrape_configs:
- job_name: backend
  scrape_protocols: [ OpenMetricsText1.0.0 ]
  metrics_path: /metrics
  basic_auth: { username: a, password: <secret> }
  static_configs: [ { targets: [ 'host.docker.internal:3000' ], labels: { service: backend } } ]
- job_name: redis
  metrics_path: /metrics
  static_configs: [ { targets: [ 'redis-exporter:9121' ] } ]
"""


def difference(old: str = "", new: str = "") -> str | None:
    assert old in LOADED
    loaded = LOADED.replace(old, new) if old else LOADED
    return first_difference(yaml.safe_load(RENDERED), yaml.safe_load(loaded))


def test_normalised_and_completed_is_equal() -> None:
    assert difference() is None


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("1m30s", "1m", "`global.scrape_interval`: file has `90s`, loaded is `1m`"),
        ("- job_name: redis", "- job_name: mongo", "`scrape_configs`: `redis` is not loaded"),
        ("'redis-exporter:9121'", "'redis:9121'", "loaded is `redis:9121`"),
        ("service: backend", "service: other", "static_configs[0].labels.service"),
        ("/etc/prometheus/alert_rules.yml", "/etc/prometheus/old.yml", "`rule_files[0]`"),
        ("  evaluation_interval: 15s\n", "", "`global.evaluation_interval` is not loaded"),
    ],
)
def test_what_differs_is_named(old: str, new: str, told: str) -> None:
    assert told in (difference(old, new) or "")


def test_a_job_that_left_the_file_and_is_still_loaded_is_named() -> None:
    loaded = yaml.safe_load(LOADED)
    loaded["scrape_configs"].append({"job_name": "old"})
    told = first_difference(yaml.safe_load(RENDERED), loaded)
    assert told == "`scrape_configs[old]` is loaded, and the file has it no more"


def test_a_section_that_left_the_file_is_told_from_a_default() -> None:
    loaded = {**yaml.safe_load(LOADED), "remote_write": [{"url": "http://x"}]}
    told = first_difference(yaml.safe_load(RENDERED), loaded)
    assert told == "`remote_write` is loaded, and the file has it no more"


def test_alertmanager_sorts_and_respells_matchers() -> None:
    file = {"routes": [{"matchers": ['severity = "critical"', "service =~ a|b"]}]}
    live = {"routes": [{"matchers": ['service=~"a|b"', 'severity="critical"'], "continue": False}]}
    assert first_difference(file, live) is None
    live["routes"][0]["matchers"] = ['severity="warning"']
    assert "`routes[0].matchers`" in (first_difference(file, live) or "")


@pytest.mark.parametrize(
    ("rendered", "loaded"),
    [("15d", "2w1d"), ("1h", "60m"), ("10GB", "10GiB"), (5, "5"), ("0.10", "0.1"), ("0s", "0s")],
)
def test_one_quantity_in_two_spellings_is_equal(rendered: object, loaded: object) -> None:
    assert first_difference({"k": rendered}, {"k": loaded}) is None


def test_true_is_no_one() -> None:
    assert first_difference({"k": "true"}, {"k": "false"}) is not None


def rule(**changes: object) -> dict[str, Any]:
    base = {
        "alert": "HighErrorRate",
        "expr": 'sum(rate(x_total{a="1"}[5m])) by (job) > 0.10',
        "for": "5m",
        "labels": {"severity": "warning"},
        "annotations": {"summary": "{{ $labels.job }}"},
    }
    return {**base, **changes}


LIVE = {
    "type": "alerting",
    "name": "HighErrorRate",
    "query": 'sum by (job) (rate(x_total{a="1"}[5m])) > 0.1',
    "duration": 300,
    "keepFiringFor": 0,
    "labels": {"severity": "warning"},
    "annotations": {"summary": "{{ $labels.job }}"},
    "health": "ok",
}


def test_rules_are_equal_in_prometheus_spelling() -> None:
    assert rules_difference(groups(rule()), groups(LIVE)) is None


def groups(*rules: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"name": "backend", "rules": list(rules)}]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"expr": 'sum(rate(x_total{a="1"}[5m])) by (job) > 0.2'}, "HighErrorRate.expr"),
        ({"for": "10m"}, "HighErrorRate.for"),
        ({"keep_firing_for": "10m"}, "HighErrorRate.keep_firing_for"),
        ({"labels": {"severity": "critical"}}, "HighErrorRate.labels.severity"),
        ({"labels": {"severity": "warning", "x": "y"}}, "HighErrorRate.labels.x"),
        ({"alert": "Other"}, "Other.rule"),
    ],
)
def test_the_first_rule_that_differs_is_named(changes: dict[str, Any], told: str) -> None:
    found = rules_difference(groups(rule(**changes)), groups(LIVE)) or ""
    assert found.startswith("rule group `backend`: ")
    assert told in found


def test_missing_and_left_over_rules_are_named() -> None:
    assert "is not loaded" in (rules_difference(groups(rule()), []) or "")
    assert "no more" in (rules_difference([], groups(LIVE)) or "")
    assert "file has 1 rules, loaded are 2" in (
        rules_difference(groups(rule()), groups(LIVE, LIVE)) or ""
    )


@pytest.mark.parametrize(
    ("file", "live"),
    [
        ('a{job="x",code="1"}', 'a{code="1",job="x"}'),
        ("a{job='x', b=~\"[{,}]\" , }", 'a{b=~"[{,}]",job="x"}'),
        ('label_replace(a, "b", "{z,y}", "", "")', 'label_replace(a{}, "b", "{z,y}", "", "")'),
    ],
)
def test_prometheus_sorts_matchers(file: str, live: str) -> None:
    assert normalised(file) == normalised(live)


def test_strings_are_not_sorted() -> None:
    one, two = (f'label_replace(a, "b", "{text}", "", "")' for text in ("{z,y}", "{y,z}"))
    assert normalised(one) != normalised(two)


def test_an_expression_that_only_prometheus_knows_is_compared_as_text() -> None:
    assert normalised("rate(a[5m]  smoothed)") == "rate(a[5m] smoothed)"
