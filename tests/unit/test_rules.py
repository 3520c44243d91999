"""Rules of a project: forms, labels, tuning, the project's own rules; each mistake at its place."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from obsctl.catalog.promql import parse_error
from obsctl.conventions import ALERT_LABELS
from obsctl.stack.model import Rule
from obsctl.stack.rules import Rules
from obsctl.stack.templates import template_problems
from tests.unit.catalog_support import EVERY_KIND, SMALL, problems_of, rules_of


def every_rule(rules: Rules) -> Iterator[Rule]:
    for group in rules.groups:
        yield from group.rules


def plain(document: Mapping[str, object]) -> dict[str, Any]:
    return dict(document)


def alert(rules: Rules, name: str, severity: str, service: str) -> Rule:
    (found,) = (
        rule
        for rule in every_rule(rules)
        if rule.alert == name
        and rule.labels["severity"] == severity
        and rule.labels["service"] == service
    )
    return found


@pytest.fixture(scope="module")
def widest(tmp_path_factory: pytest.TempPathFactory) -> Rules:
    return rules_of(tmp_path_factory.mktemp("widest"), EVERY_KIND)


def test_every_expression_parses(widest: Rules) -> None:
    assert [rule.expr for rule in every_rule(widest) if parse_error(rule.expr)] == []


def test_every_alert_carries_its_labels_and_links(widest: Rules) -> None:
    for rule in every_rule(widest):
        if rule.alert:
            assert set(ALERT_LABELS) <= rule.labels.keys()
            links = {"summary", "description", "runbook_url", "dashboard_url"}
            assert links <= rule.annotations.keys(), rule.alert
            assert rule.annotations["runbook_url"].startswith("http://localhost:3001/d/")


def test_nothing_is_left_of_placeholders(widest: Rules) -> None:
    for rule in every_rule(widest):
        assert "[[" not in rule.expr + "".join(rule.annotations.values())


def test_no_two_rules_are_the_same(widest: Rules) -> None:
    seen = [
        (rule.alert or rule.record, tuple(sorted(rule.labels.items())))
        for rule in every_rule(widest)
    ]
    assert len(seen) == len(set(seen))


def test_templates_in_annotations_are_sound(widest: Rules) -> None:
    for rule in every_rule(widest):
        for text in rule.annotations.values():
            assert list(template_problems(text)) == [], text


def test_every_rule_keeps_to_its_service(widest: Rules) -> None:
    for rule in every_rule(widest):
        if rule.alert != "Watchdog":
            assert f'job="{rule.labels["service"]}"' in rule.expr


def test_every_job_has_the_three_alerts_of_a_backing_service(widest: Rules) -> None:
    by_service: dict[str, set[str]] = {}
    for rule in every_rule(widest):
        if rule.alert:
            by_service.setdefault(rule.labels["service"], set()).add(rule.alert)
    for alerts in by_service.values():
        assert {"TargetDown", "TargetMissing"} <= alerts
    for service in ("mongodb", "pg", "maria"):
        assert "DatabaseDown" in by_service[service]
    assert "RedisDown" in by_service["cache"]


def test_a_threshold_on_a_bound_is_counted_exactly(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, SMALL)
    critical = alert(rules, "HighLatency", "critical", "api")
    assert r'le=~"5(\\.0)?"' in critical.expr
    assert "histogram_quantile" not in critical.expr
    assert "longer than 5s" in critical.annotations["description"]


def test_a_threshold_between_bounds_is_a_quantile(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, SMALL + "alerts: { HighLatency: { warning: 3s } }\n")
    warning = alert(rules, "HighLatency", "warning", "api")
    assert warning.expr.startswith("job:http_request_duration_seconds:p95_rate5m")
    assert "> 3" in warning.expr


def test_tuning_changes_thresholds_waits_and_texts(tmp_path: Path) -> None:
    tuning = "alerts: { HighErrorRate: { warning: 2%, critical: 7.5%, for: 9m } }\n"
    rules = rules_of(tmp_path, SMALL + tuning)
    critical = alert(rules, "HighErrorRate", "critical", "api")
    assert "> 0.075" in critical.expr
    assert critical.for_ == "9m"
    (page,) = (page for page in rules.runbooks if page.alert == "HighErrorRate")
    assert "2% (warning) and 7.5% (critical)" in page.body


def test_a_tier_can_be_added(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, SMALL + "alerts: { NodejsEventLoopLag: { critical: 2s } }\n")
    assert "> 2" in alert(rules, "NodejsEventLoopLag", "critical", "api").expr


def test_severity_of_a_single_tier(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, SMALL + "alerts: { TrafficStopped: { severity: critical } }\n")
    assert alert(rules, "TrafficStopped", "critical", "api").for_ == "10m"


def test_a_disabled_alert_leaves_no_trace(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, SMALL + "alerts: { HighLatency: { enabled: false } }\n")
    assert "HighLatency" not in {rule.alert for rule in every_rule(rules)}
    assert "HighLatency" not in {page.alert for page in rules.runbooks}
    assert "HighLatency" not in str([test.document for test in rules.tests])


def test_services_that_differ_in_their_names_only_are_tested_once(tmp_path: Path) -> None:
    more = """\
services:
  api: { kind: express, targets: ["localhost:3000"] }
  shop: { kind: express, targets: ["localhost:3001"] }
  slow: { kind: express, targets: ["localhost:3002"], settings: { user_route: "/me" } }
"""
    rules = rules_of(tmp_path, f"version: 1\nproject: alike\n{more}")
    asked = [
        question["expr"]
        for test in rules.tests
        for question in plain(test.document)["promql_expr_test"]
    ]
    latency = [expr for expr in asked if 'alertname="HighLatency"' in expr]
    tested = {name for name in ("api", "shop", "slow") if f'service="{name}"' in str(latency)}
    assert tested == {"api", "slow"}


def test_alerts_that_look_back_further_than_samples_are_kept(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, SMALL + "stack: { prometheus: { retention: 2d } }\n")
    names = {rule.alert for rule in every_rule(rules)}
    assert "UnusualTraffic" not in names
    assert "TrafficStopped" in names


def test_settings_of_the_application(tmp_path: Path) -> None:
    text = SMALL.replace(
        "[localhost:3000] }",
        "[localhost:3000], settings: { requests_metric: shop_requests_total, status_label: code,"
        ' excluded_routes_pattern: "/ping", excluded_route: /ping } }',
    )
    rules = rules_of(tmp_path, text)
    (ratio,) = (
        rule
        for rule in every_rule(rules)
        if rule.record == "job:http_request_errors_per_request:ratio_rate5m"
    )
    assert 'shop_requests_total{job="api",code=~"5..",route!~"/ping"}' in ratio.expr


def test_text_settings_are_escaped(tmp_path: Path) -> None:
    text = SMALL.replace(
        "[localhost:3000] }", "[localhost:3000], settings: { user_route: '/a\"b\\c' } }"
    )
    series = [
        entry["series"]
        for test in rules_of(tmp_path, text).tests
        for entry in plain(test.document)["input_series"]
    ]
    assert any(r'route="/a\"b\\c"' in name for name in series)


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ("alerts: { HighErorRate: { warning: 6% } }", "has no alert `HighErorRate`"),
        ("alerts: { HighLatency: { critical: 40s } }", "its last bound, 30s, and 40s is beyond it"),
        ("alerts: { HighLatency: { critical: 1s } }", "1s, must be above the warning one, 2s"),
        ("alerts: { HighErrorRate: { warning: 2s } }", "is a share such as `5%`"),
        ("alerts: { HighErrorRate: { critical: 100% } }", "no share is above 100%"),
        ("alerts: { HighErrorRate: { severity: info } }", "has several tiers"),
        ("alerts: { TargetDown: { critical: 5% } }", "`TargetDown` has no threshold"),
        ("alerts: { Watchdog: { severity: critical } }", "has no severity by design"),
        ("rules: [ { alert: HighErrorRate, expr: up } ]", "has a rule `HighErrorRate` already"),
        ("rules: [ { alert: A, expr: 'up ==' } ]", "this is no PromQL"),
        (
            "rules: [ { alert: A, expr: up }, { alert: A, expr: up == 1 } ]",
            "`A` is defined twice with the same labels, first at line 5",
        ),
        ("rules: [ { alert: A, expr: up, labels: { severity: bad } } ]", "`bad` is no severity"),
        ("rules: [ { alert: A, expr: up, labels: { alertname: B } } ]", "a meaning of its own"),
        (
            "rules: [ { alert: A, expr: up, labels: { x: '{{ $value }}' } } ]",
            "a label with the value in it",
        ),
        (
            "rules: [ { alert: A, expr: up, annotations: { s: '{{ $value | humanise }}' } } ]",
            "templates have no function `humanise`",
        ),
        (
            "stack: { prometheus: { retention: 2d } }\nalerts: { UnusualTraffic: { info: 3 } }",
            "compares with 8d ago, but samples are kept for 2d",
        ),
    ],
)
def test_mistakes_are_located(tmp_path: Path, more: str, problem: str) -> None:
    found = problems_of(tmp_path, SMALL + more + "\n")
    assert any(problem in line for line in found), found
    assert all(line[0] in "456" for line in found)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ("status_lable: x", "has no setting `status_lable`"),
        ("route_label: le", "the label `le` has a meaning of its own"),
        ("route_label: a-b", "`a-b` is no label name"),
        ("requests_metric: a b", "`a b` is no metric name"),
        ("duration_buckets: [1, 0.5]", "must ascend"),
        ("duration_buckets: [0, 1]", "must hold numbers above 0"),
        ("duration_buckets: 5", "must be a list of bounds"),
        ("duration_buckets: [0.1, 1]", "2s is beyond it"),
        ("error_pattern: '('", "is no regular expression"),
        ("error_pattern: '4..'", "the example `error_status`, `500`, must match"),
        ("minimum_rate: 0", "must be a number above 0"),
        ("minimum_rate: true", "must be text"),
        ("status_label: 5", "must be text"),
    ],
)
def test_wrong_settings_are_located(tmp_path: Path, settings: str, problem: str) -> None:
    if settings == "minimum_rate: true":
        problem = "`minimum_rate` must be"
    text = SMALL.replace("[localhost:3000] }", f"[localhost:3000], settings: {{ {settings} }} }}")
    found = problems_of(tmp_path, text)
    assert any(problem in line for line in found), found
    assert all(line.startswith("4:") for line in found)


def test_own_rules_get_the_usual_labels(tmp_path: Path) -> None:
    text = SMALL + "rules: [ { alert: ApiGone, expr: 'up{job=\"api\"} == 0', for: 1m } ]\n"
    rule = alert(rules_of(tmp_path, text), "ApiGone", "warning", "api")
    assert rule.labels["system"] == "shop"
    assert rule.annotations["summary"] == "ApiGone fires."


def test_tests_follow_the_projects_thresholds(tmp_path: Path) -> None:
    plain = rules_of(tmp_path, SMALL)
    tuned = rules_of(tmp_path, SMALL + "alerts: { HighErrorRate: { critical: 50% } }\n")
    assert str(plain.tests) != str(tuned.tests)


def test_the_same_project_gives_the_same_rules(tmp_path: Path) -> None:
    assert rules_of(tmp_path, EVERY_KIND) == rules_of(tmp_path, EVERY_KIND)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{{ $labels.a | title }} {{ if gt $value 5.0 }}x{{ else }}y{{ end }}", None),
        ('{{ with query "up" }}{{ . | first | value | humanize }}{{ end }}', None),
        ("{{ range $i, $x := query `up` }}{{ $x }}{{ end }}", None),
        ("{{/* a comment nobody calls */}}", None),
        ("{{ $value", "without its"),
        ("{{ $vlaue }}", "no variable `$vlaue`"),
        ("{{ if true }}x", "do not match"),
        ("{{ humanize12 $value }}", "no function `humanize12`"),
    ],
)
def test_templates(text: str, problem: str | None) -> None:
    found = [message for message, _ in template_problems(text)]
    assert found == [] if problem is None else any(problem in message for message in found)
