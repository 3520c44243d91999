"""Every rule and every panel query of the widest project, on a real Prometheus with real data.

Real here: Prometheus, Alertmanager, the exporters of Redis, node, PostgreSQL, MariaDB, nginx and
Elasticsearch, and the servers themselves. Stand-ins: the app, Grafana, Elasticsearch, Logstash
with its exporter, Kibana. The tables are the report: `pytest -rA` prints them.
"""

import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from obsctl.catalog.files import available_kinds
from obsctl.cli.pipeline import build
from obsctl.conventions import DATASOURCE_PROMETHEUS
from obsctl.health.checks.rules import live
from obsctl.health.judging.liveness import Liveness
from obsctl.health.judging.panels import PanelQuery, panel_queries
from obsctl.health.judging.promql import Selector
from tests.engine.project import ProjectUnderTest, clean_environment, eventually, free_port
from tests.kit.engine import ensure_engine
from tests.kit.host import KitUnavailable
from tests.kit.images import WATCHERS, stack_images
from tests.kit.servers import PASSWORD, USER, Servers, start_servers
from tests.kit.tools import ensure_tools, tool_environment
from tests.kit.watched import Watched, start_watched
from tests.tiers import unavailable

NAME = "obsctl-proof"
COMPONENTS = ("elasticsearch", "kibana", "logstash", "tcp")
# Without a server or an exporter in Debian, or with nothing of their own to watch here.
NOT_RUN = {"docker", "fastapi", "go", "kafka", "mongodb", "spring", "http"}
OWN_KINDS = {
    "alertmanager", "grafana", "prometheus", "elasticsearch", "logstash", "probe", "target",
}  # fmt: skip
SUFFIXES = ("_bucket", "_sum", "_count", "_total")
JOBS = {
    "app", "redis", "host", "db", "sql", "web", "queue", "probe", "prometheus", "alertmanager",
    "grafana", "elasticsearch", "logstash", "blackbox-exporter",
}  # fmt: skip
SETTLE_S = 60.0
Judged = tuple[list[tuple[str, str, str]], dict[str, str]]


@dataclass(frozen=True, slots=True)
class Proof:
    project: ProjectUnderTest
    rules: Sequence[Mapping[str, Any]]
    queries: tuple[PanelQuery, ...]
    kinds: frozenset[str]
    # Scrape job -> metrics that it need not have -> the set-ups that have them.
    optional: Mapping[str, Mapping[str, str]]

    def series(self, expr: str) -> list[Any]:
        found: list[Any] = self.project.prometheus("query", query=expr)["result"]
        return found


def describe(project: ProjectUnderTest, app: int, redis: int, servers: Mapping[str, int]) -> None:
    for name in COMPONENTS:
        project.ports.setdefault(name, free_port())
    port = project.ports
    login = f"credentials: {{ user: {USER}, password: {{ secret: database }} }}"
    services = f"""\
  app: {{ kind: express, targets: ["localhost:{app}"] }}
  redis: {{ kind: redis, address: "localhost:{redis}" }}
  host: {{ kind: node }}
  db: {{ kind: postgres, address: "localhost:{servers["postgres"]}", {login} }}
  sql: {{ kind: mysql, address: "localhost:{servers["mariadb"]}", {login} }}
  web: {{ kind: nginx, address: "localhost:{servers["nginx"]}" }}
  queue: {{ kind: rabbitmq, targets: ["localhost:{servers["rabbitmq"]}"] }}"""
    more = f"""\
probes: [ "http://localhost:{app}/health" ]
slo: {{ app: {{ availability: 99.9%, latency: {{ under: 1s, ratio: 95% }} }} }}
logs: {{ inputs: {{ tcp: {{ port: {port["tcp"]} }} }} }}"""
    stack = f"""\
  grafana: {{ port: {port.setdefault("grafana", free_port())} }}
  elasticsearch: {{ port: {port["elasticsearch"]} }}
  kibana: {{ port: {port["kibana"]} }}
  logstash: {{ port: {port["logstash"]} }}"""
    project.write(services, more=more, stack=stack)


def visit(*urls: str) -> None:
    for url in urls:
        with urllib.request.urlopen(url, timeout=5):
            pass


def start(tmp_path_factory: pytest.TempPathFactory) -> tuple[ProjectUnderTest, Watched, Servers]:
    try:
        engine = ensure_engine()
        images = stack_images(*WATCHERS)
        ensure_tools()
        app, redis = free_port(), free_port()
        watched = start_watched(engine.docker_host, NAME, app, redis)
        servers = start_servers(engine.docker_host, NAME)
    except KitUnavailable as reason:
        unavailable("engine", str(reason))
    environment = clean_environment(tool_environment())
    project = ProjectUnderTest(tmp_path_factory.mktemp("proof"), NAME, images, environment)
    describe(project, app, redis, servers.ports)
    secrets = project.folder / "secrets"
    secrets.mkdir(mode=0o700)
    (secrets / "database").write_text(PASSWORD)
    (secrets / "database").chmod(0o444)
    project.ports |= {"app": app, "web": servers.ports["nginx"]}
    return project, watched, servers


@pytest.fixture(scope="module")
def proof(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proof]:
    """The project, up and with some seconds of traffic; its rules have all been evaluated."""
    project, watched, servers = start(tmp_path_factory)
    try:
        up = project.obsctl("up")
        assert up.code == 0, up.text
        pages = [
            f"http://127.0.0.1:{project.ports['app']}/",
            f"http://127.0.0.1:{project.ports['web']}/",
        ]
        for _ in range(20):
            visit(*pages)
            time.sleep(0.2)
        eventually(
            lambda: project.targets().keys() >= JOBS and set(project.targets().values()) == {"up"},
            f"every target is up: {project.ports}",
        )
        eventually(lambda: all(rule["health"] == "ok" for rule in rules_of(project)), "all rules")
        yield proof_of(project)
    finally:
        down = project.obsctl("down", "--volumes")
        servers.remove()
        watched.remove()
    assert down.code == 0, down.text


def proof_of(project: ProjectUnderTest) -> Proof:
    built = build(project.folder / "obsctl.yaml")
    queries = (
        query
        for dashboard in built.stack.dashboards
        for query in panel_queries(dashboard.model)
        if query.datasource in {"", DATASOURCE_PROMETHEUS}
    )
    kinds = {service.kind for service in built.loaded.project.services.values()} | OWN_KINDS
    optional = built.stack.optional_metrics
    return Proof(project, rules_of(project), tuple(queries), frozenset(kinds), optional)


def rules_of(project: ProjectUnderTest) -> list[Mapping[str, Any]]:
    return [rule for group in project.prometheus("rules")["groups"] for rule in group["rules"]]


def table(title: str, rows: Sequence[tuple[str, str, str]]) -> None:
    print(f"\n{title}")
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    for first, second, third in rows:
        print(f"  {first:<{widths[0]}}  {second:<{widths[1]}}  {third}")


def told_of(proof: Proof, liveness: Liveness, expr: str, missed: dict[str, str]) -> str:
    """Why an expression has no result; what no set-up excuses is added to `missed`."""
    reasons = liveness.why_dead(expr)
    for reason in reasons:
        if not excuse_of(proof.optional, liveness.origins[reason]):
            missed[reason] = expr
    excuses = {excuse_of(proof.optional, liveness.origins[reason]) for reason in reasons}
    if not reasons:
        return "data, and nothing to show"
    return f"no data: {'; '.join(reasons)} ({', '.join(sorted(excuses)) or 'MISSING'})"


def excuse_of(optional: Mapping[str, Mapping[str, str]], selector: Selector) -> str:
    """In which set-ups the metric exists, where it is not in all of them; else nothing."""
    job = selector.value_of("job") or ""
    names = (selector.name, *(selector.name.removesuffix(suffix) for suffix in SUFFIXES))
    return next((optional[job][name] for name in names if name in optional.get(job, {})), "")


def liveness_of(proof: Proof, expressions: Iterable[str]) -> Liveness:
    liveness = live([rule for rule in proof.rules if rule["type"] == "recording"])
    liveness.learn(set(expressions), proof.series)
    return liveness


def settled(judge: Callable[[], Judged]) -> Judged:
    """What is judged once nothing is missed; a busy machine may miss a scrape or two."""
    until = time.monotonic() + SETTLE_S
    while True:
        rows, missed = judge()
        if not missed or time.monotonic() > until:
            return rows, missed
        time.sleep(0.5)


def judge_rules(proof: Proof) -> Judged:
    liveness = liveness_of(proof, (rule["query"] for rule in proof.rules))
    missed: dict[str, str] = {}
    rows = []
    for rule in proof.rules:
        labels = rule.get("labels") or {}
        name = " ".join(filter(None, (rule["name"], labels.get("severity"))))
        if rule["type"] == "recording":
            told = f"{len(proof.series(rule['name']))} series"
        elif rule["state"] == "inactive":
            told = told_of(proof, liveness, rule["query"], missed)
        else:
            told = str(rule["state"])
        rows.append((str(labels.get("service")), name, told))
    return rows, missed


def judge_panels(proof: Proof) -> Judged:
    liveness = liveness_of(proof, (query.expr for query in proof.queries))
    missed: dict[str, str] = {}
    rows = []
    for query in proof.queries:
        found = proof.series(query.expr)  # raises for a query that Prometheus refuses
        told = f"{len(found)} series" if found else told_of(proof, liveness, query.expr, missed)
        rows.append((query.dashboard, query.title, told))
    return rows, missed


def test_every_rule_evaluates_and_can_fire(proof: Proof) -> None:
    rows, missed = settled(lambda: judge_rules(proof_of(proof.project)))
    table(f"{len(rows)} rules", sorted(rows))
    rules = rules_of(proof.project)
    assert {rule["name"]: rule["lastError"] for rule in rules if rule.get("lastError")} == {}
    assert {rule["health"] for rule in rules} == {"ok"}
    assert missed == {}


def test_every_panel_query_answers(proof: Proof) -> None:
    rows, missed = settled(lambda: judge_panels(proof))
    table(f"{len(rows)} panel queries", sorted(rows))
    assert missed == {}


def test_what_does_not_run_here_is_known(proof: Proof) -> None:
    print(f"kinds that could not run here: {', '.join(sorted(NOT_RUN))}")
    assert set(available_kinds()) - proof.kinds == NOT_RUN
