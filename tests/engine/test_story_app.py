"""The whole story of an app: generated code, metrics, alerts, logs, error events, and all clear.

Real: Express, prom-client and Sentry's SDK from npm, Prometheus, Alertmanager, Bugsink, Redis and
its exporter. Stand-ins: Grafana, Elasticsearch, Logstash, MongoDB and percona's exporter. Debian,
PyPI and npm have no MongoDB server, and Debian's mongodb exporter is another program.
"""

import contextlib
import json
import os
import re
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from obsctl.cli.pipeline import build
from obsctl.conventions import DATASOURCE_PROMETHEUS
from obsctl.health.judging.panels import panel_queries
from obsctl.stack.links import service_uid
from tests.engine.full_lab import call
from tests.engine.project import ProjectUnderTest, clean_environment, eventually, free_port
from tests.engine.sinks import Sinks
from tests.kit.apps import node_modules
from tests.kit.engine import ensure_engine
from tests.kit.host import KitUnavailable
from tests.kit.images import stack_images
from tests.kit.shop import Load, Mongod, Outside, Shop, start_shop
from tests.kit.tools import ensure_tools, tool_environment
from tests.kit.watched import address_for_containers, start_redis
from tests.tiers import unavailable

NAME = f"obsctl-shop-{os.getpid()}"
PORTS = ("elasticsearch", "logstash", "tcp", "grafana", "app", "redis", "mongodb", "bugsink")
# The rules that the requirements began with, on the same Prometheus.
SEED_RULES = {
    "HighErrorRate": 'rate(http_requests_total{status=~"5.."}[5m]) > 0.05',
    "HighLatency": "histogram_quantile(0.95, http_request_duration_seconds) > 0",
    "DatabaseDown": 'up{job="mongodb"} == 0',
}


@dataclass(slots=True)
class Story:
    project: ProjectUnderTest
    shop: Shop
    load: Load
    mongod: Mongod
    sinks: Sinks

    def value(self, expr: str) -> list[Any]:
        """The samples that Prometheus has for an expression now."""
        found: list[Any] = self.project.prometheus("query", query=expr)["result"]
        return found

    def firing(self, alert: str) -> set[str]:
        """Severities of an alert that Prometheus has firing."""
        series = self.value(f'ALERTS{{alertname="{alert}",alertstate="firing"}}')
        return {one["metric"]["severity"] for one in series}

    def told(self, alert: str, status: str) -> list[Any]:
        """Alerts of that name in what the webhook was posted."""
        posts = self.sinks.posts.get("/ops", [])
        return [
            each
            for post in posts
            for each in post["alerts"]
            if each["labels"]["alertname"] == alert and each["status"] == status
        ]


def dsn_secret(project: ProjectUnderTest) -> str:
    """The file under secrets/ that `up` has put the app's DSN into."""
    errors = build(project.folder / "obsctl.yaml").loaded.project.errors
    assert errors
    return errors.dsn_secret("backend")


def describe(project: ProjectUnderTest, hook: int) -> None:
    port = project.ports
    services = f"""\
  backend:
    kind: express
    targets: ["localhost:{port["app"]}"]
    settings:
      cache_requests_metric: app_cache_requests_total
      transactions_metric: app_transactions_total
      active_users_metric: app_active_users
      revenue_metric: app_revenue_total
  mongodb: {{ kind: mongodb, address: "localhost:{port["mongodb"]}" }}
  redis: {{ kind: redis, address: "localhost:{port["redis"]}" }}"""
    more = f"""\
alerts:
  HighErrorRate: {{ warning: 5%, critical: 10%, for: 1s, keep_firing_for: 1s }}
  DatabaseDown: {{ for: 1s }}
notifications:
  receivers: {{ ops: {{ webhook: {{ url: "http://host.docker.internal:{hook}/ops" }} }} }}
  routes: {{ critical: [ops], warning: [ops] }}
  grouping: {{ wait: 8s, interval: 1s }}
errors: {{ bugsink: {{ port: {port["bugsink"]} }} }}
logs: {{ inputs: {{ tcp: {{ port: {port["tcp"]} }} }} }}"""
    stack = f"""\
  without: [ kibana ]
  grafana: {{ port: {port["grafana"]} }}
  elasticsearch: {{ port: {port["elasticsearch"]} }}
  logstash: {{ port: {port["logstash"]} }}"""
    project.write(services, more=more, stack=stack)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProjectUnderTest]:
    try:
        ensure_engine()
        images = stack_images("bugsink")
        ensure_tools()
        node_modules()
    except KitUnavailable as reason:
        unavailable("instrument" if "node" in str(reason) else "engine", str(reason))
    folder = tmp_path_factory.mktemp("shop")
    under_test = ProjectUnderTest(folder, NAME, images, clean_environment(tool_environment()))
    under_test.ports |= {name: free_port() for name in PORTS}
    yield under_test
    done = under_test.obsctl("down", "--volumes")
    assert done.code == 0, done.text


@pytest.fixture(scope="module")
def story(project: ProjectUnderTest) -> Iterator[Story]:
    host = ensure_engine().docker_host
    gateway = address_for_containers(host)
    port = project.ports
    with contextlib.ExitStack() as stack:
        sinks = Sinks(gateway)
        stack.callback(sinks.stop)
        describe(project, sinks.start()[0])
        stack.callback(start_redis(host, NAME, port["redis"]).remove)
        mongod = Mongod(gateway, port["mongodb"])
        stack.callback(mongod.stop)
        made = project.obsctl("up")
        assert made.code == 0, made.text
        dsn = project.folder / "secrets" / dsn_secret(project)
        code = project.folder / "stack" / "instrumentation" / "backend"
        outside = Outside(gateway, dsn, port["redis"])
        shop = start_shop(project.folder / "app", code, port["app"], outside)
        stack.callback(shop.stop)
        load = Load(port["app"])
        load.start()
        stack.callback(load.stop)
        yield Story(project, shop, load, mongod, sinks)


def test_everything_is_scraped_and_nothing_fires(story: Story) -> None:
    wanted = {"backend", "mongodb", "redis"}
    eventually(
        lambda: wanted <= {job for job, state in story.project.targets().items() if state == "up"},
        "the app and both exporters are scraped",
    )
    eventually(
        lambda: bool(story.value("job:http_request_errors_per_request:ratio_rate5m == 0")),
        "no request has failed",
    )
    for metric in ("mongodb_up", "redis_up"):
        eventually(lambda name=metric: bool(story.value(f"{name} == 1")), f"{metric} is 1")  # type: ignore[misc]
    assert story.firing("HighErrorRate") == set()


def test_injected_errors_fire_warning_then_critical(story: Story) -> None:
    story.shop.inject(12)
    story.load.pause_s = 0.01
    eventually(lambda: "critical" in story.firing("HighErrorRate"), "the critical tier fires")
    series = 'ALERTS{alertname="HighErrorRate",alertstate="firing"}'

    def begins() -> dict[str, float]:
        found = story.value(f"min_over_time(timestamp({series})[2m:1s])")
        return {one["metric"]["severity"]: float(one["value"][1]) for one in found}

    eventually(lambda: begins().keys() == {"warning", "critical"}, "both tiers have fired")
    assert begins()["warning"] <= begins()["critical"]


def test_one_notification_with_a_runbook_arrives(story: Story) -> None:
    eventually(lambda: bool(story.told("HighErrorRate", "firing")), "the webhook is told")
    firing = story.told("HighErrorRate", "firing")
    assert {alert["labels"]["severity"] for alert in firing} == {"critical"}  # warning is inhibited
    (alert,) = firing
    url = alert["annotations"]["runbook_url"]
    found = re.fullmatch(r"http://localhost:\d+/d/(obsctl-runbooks)\?viewPanel=panel-(\d+)", url)
    assert found, url
    dashboards = story.project.folder / "stack" / "grafana" / "dashboards"
    panels = json.loads((dashboards / f"{found[1]}.json").read_text())["panels"]
    (runbook,) = (panel for panel in panels if panel["id"] == int(found[2]))
    assert "HighErrorRate" in json.dumps(runbook)


def test_error_events_are_an_issue_in_bugsink(story: Story) -> None:
    token = (story.project.folder / "secrets" / "bugsink_api_token").read_text().strip()
    url = f"http://127.0.0.1:{story.project.ports['bugsink']}/api/canonical/0"

    def ask(path: str) -> list[Any]:
        request = urllib.request.Request(url + path, headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            found: list[Any] = json.load(answer)["results"]
        return found

    (tracked,) = (one for one in ask("/projects/") if one["name"] == "backend")
    path = f"/issues/?project={tracked['id']}"
    eventually(lambda: "the order cannot be read" in json.dumps(ask(path)), "the issue is listed")
    assert len(ask(path)) == 1  # hundreds of failed orders, one issue


def test_log_lines_arrive_in_the_app_s_data_stream(story: Story) -> None:
    password = (story.project.folder / "secrets" / "elastic_password").read_text().strip()
    url = f"http://127.0.0.1:{story.project.ports['elasticsearch']}"
    path = "/logs-backend-production/_search?size=1&q=log.level:error&ignore_unavailable=true"

    def hits() -> list[Any]:
        found: list[Any] = call("GET", url + path, None, ("elastic", password))["hits"]["hits"]
        return found

    eventually(lambda: bool(hits()), "lines of failed requests")
    event = hits()[0]["_source"]
    assert event["service"]["name"] == "backend"
    assert event["http"]["response"]["status_code"] == 500
    assert event["url"]["path"].startswith("/api/orders/")


@pytest.mark.parametrize("service", ["backend", "mongodb", "redis"])
def test_every_panel_of_the_app_and_its_databases_returns_data(story: Story, service: str) -> None:
    built = build(Path(story.project.folder) / "obsctl.yaml")
    (board,) = (d for d in built.stack.dashboards if d.uid == service_uid(service))
    queries = [
        query
        for query in panel_queries(board.model)
        if query.datasource in {"", DATASOURCE_PROMETHEUS}
    ]
    assert len(queries) > 15

    def empty() -> list[str]:
        return [query.title for query in queries if not holds_numbers(story.value(query.expr))]

    eventually(lambda: empty() == [], f"panels without data: {empty()}")


def holds_numbers(samples: list[Any]) -> bool:
    return any(sample["value"][1] != "NaN" for sample in samples)


def test_a_stopped_database_fires_where_the_first_rule_is_silent(story: Story) -> None:
    story.mongod.stop()
    eventually(lambda: "critical" in story.firing("DatabaseDown"), "DatabaseDown fires")
    assert story.value(SEED_RULES["DatabaseDown"]) == []  # its exporter is up


@pytest.mark.parametrize("rule", ["HighErrorRate", "HighLatency"])
def test_the_first_rules_are_silent_on_the_same_data(story: Story, rule: str) -> None:
    assert story.firing("HighErrorRate")
    assert story.value(SEED_RULES[rule]) == []


def test_without_injection_all_resolves(story: Story) -> None:
    story.shop.inject(0)
    story.load.pause_s = 0.0  # good requests dilute the five minutes that the rule looks at
    eventually(lambda: story.firing("HighErrorRate") == set(), "nothing fires any more")
    eventually(lambda: bool(story.told("HighErrorRate", "resolved")), "the webhook is told so")
    resolved = {alert["labels"]["severity"] for alert in story.told("HighErrorRate", "resolved")}
    assert "critical" in resolved
