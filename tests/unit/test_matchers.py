"""The way of an alert through a routing tree, as Alertmanager decides it."""

from typing import Any

import pytest
import yaml

from obsctl.engine.components.matchers import Matcher, integrations_of, parse_matchers, route_of

CONFIG: dict[str, Any] = yaml.safe_load("""
route:
  receiver: 'null'
  group_by: [alertname, service]
  group_wait: 30s
  repeat_interval: 4h
  routes:
    - receiver: heartbeat
      matchers: [ 'alertname = "Watchdog"' ]
      group_wait: 0s
    - receiver: pager
      matchers: [ 'severity = "critical"' ]
      continue: true
    - receiver: ops
      matchers: [ 'severity =~ "critical|warning"' ]
      routes:
        - receiver: databases
          match: { system: db }
receivers:
  - name: 'null'
  - name: pager
    pagerduty_configs: [ { routing_key_file: /x } ]
  - name: ops
    slack_configs: [ { channel: '#ops' } ]
    webhook_configs: [ { url: 'http://x' } ]
""")


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        ({"alertname": "Watchdog", "severity": "none"}, ["heartbeat"]),
        ({"alertname": "X", "severity": "critical"}, ["pager", "ops"]),
        ({"alertname": "X", "severity": "warning"}, ["ops"]),
        ({"alertname": "X", "severity": "warning", "system": "db"}, ["databases"]),
        ({"alertname": "X", "severity": "info"}, ["null"]),
        ({}, ["null"]),
    ],
)
def test_route(labels: dict[str, str], receivers: list[str]) -> None:
    assert [stop.receiver for stop in route_of(CONFIG, labels)] == receivers


def test_settings_are_inherited_and_overridden() -> None:
    (beat,) = route_of(CONFIG, {"alertname": "Watchdog"})
    assert (beat.group_wait, beat.repeat_interval) == ("0s", "4h")
    assert beat.group_by == ("alertname", "service")
    assert beat.path == ("default", 'alertname="Watchdog"')


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ('a="b"', [Matcher("a", "=", "b")]),
        ("a = b", [Matcher("a", "=", "b")]),
        ('{a!="b", c=~"d|e"}', [Matcher("a", "!=", "b"), Matcher("c", "=~", "d|e")]),
        (r'a="say \"hi\", {x}"', [Matcher("a", "=", 'say "hi", {x}')]),
        ('"label with space"!~"x"', [Matcher("label with space", "!~", "x")]),
        ('a=""', [Matcher("a", "=", "")]),
    ],
)
def test_matchers(text: str, parsed: list[Matcher]) -> None:
    assert list(parse_matchers(text)) == parsed


def test_text_that_is_no_matcher_is_refused() -> None:
    with pytest.raises(ValueError, match="no matcher"):
        parse_matchers("severity is critical")


@pytest.mark.parametrize(
    ("text", "matches"),
    [('a=""', True), ('a!=""', False), ('a=~".*"', True), ('a=~"x.*"', False), ('a!~"x"', True)],
)
def test_a_missing_label_is_empty(text: str, matches: bool) -> None:  # noqa: FBT001 - a table
    (matcher,) = parse_matchers(text)
    assert matcher.matches({}) is matches


def test_a_regex_matches_the_whole_value() -> None:
    (matcher,) = parse_matchers('severity=~"crit"')
    assert not matcher.matches({"severity": "critical"})


def test_integrations_have_the_names_of_the_metrics() -> None:
    assert integrations_of(CONFIG, "ops") == ("slack", "webhook")
    assert integrations_of(CONFIG, "null") == ()
    assert integrations_of(CONFIG, "nobody") == ()
