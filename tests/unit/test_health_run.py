"""One cause is told once; waiting for notifications; the words of Alertmanager's log."""

from dataclasses import replace
from pathlib import Path

import pytest

from obsctl.errors import EngineError, ObsctlError, Problem, UsageError
from obsctl.health.asking.container_state import ContainerState
from obsctl.health.asking.context import Context
from obsctl.health.asking.probe import ProbeError, Request
from obsctl.health.asking.run import Check, Outcome, judge, run_checks
from obsctl.health.canaries.delivery import Counts, delivery_state
from obsctl.health.canaries.trial import try_alert
from obsctl.health.findings.report import Finding, Layer
from obsctl.health.session import parse_targets
from obsctl.stack.model import Alerting, Stack

STACK = Stack(
    project="shop",
    environment="test",
    services=(),
    volumes=(),
    secrets=(),
    scrape_interval="15s",
    evaluation_interval="15s",
    scrape_jobs=(),
    rule_groups=(),
    rule_tests=(),
    alerting=Alerting((), (), (), "30s", "5m", "4h"),
    datasources=(),
    dashboards=(),
    runbooks=(),
    logging=None,
    endpoints=(),
    patches=(),
)
COMPOSE = """
services:
  prometheus:
    ports: [ { target: 9090, published: '19090', host_ip: 0.0.0.0 } ]
  alertmanager:
    ports: [ { target: 9093, published: '19093', host_ip: 10.0.0.7 } ]
  grafana: {}
"""


def no_engine() -> tuple[ContainerState, ...]:
    raise EngineError(Problem("no Engine"))


def context(tmp_path: Path, **targets: str) -> Context:
    files = {"docker-compose.yml": COMPOSE}
    return Context(STACK, files, tmp_path, tmp_path / "stack", tmp_path, no_engine, targets)


def refused(component: str, layer: Layer) -> Outcome:
    check = Check(layer, component, "works", lambda _: (), (component,))
    error = ProbeError("not-listening", "refused", host="127.0.0.1", port=9090)
    return Outcome(check, (), error)


def test_a_component_that_is_down_fails_once(tmp_path: Path) -> None:
    layers: tuple[Layer, ...] = ("readiness", "configuration", "signals")
    outcomes = [refused("prometheus", layer) for layer in layers]
    findings = judge(context(tmp_path), outcomes)
    assert [finding.state for finding in findings] == ["fail", "skip", "skip"]
    assert findings[0].cause == "nothing listens on 127.0.0.1 port 9090"
    assert findings[1].evidence == "prometheus is not ready"


def test_a_component_that_is_ready_fails_the_question(tmp_path: Path) -> None:
    findings = judge(context(tmp_path), [refused("prometheus", "signals")])
    assert [finding.state for finding in findings] == ["fail"]


def test_a_component_that_answers_no_question_fails_one(tmp_path: Path) -> None:
    outcomes = [refused("grafana", "readiness"), refused("grafana", "readiness")]
    findings = judge(context(tmp_path), outcomes)
    assert [finding.state for finding in findings] == ["fail", "skip"]
    assert findings[1].evidence == "grafana is not ready"


def test_a_login_given_with_the_address_is_the_one_that_counts(tmp_path: Path) -> None:
    (tmp_path / "grafana_admin_password").write_text("ours\n")
    assert context(tmp_path, grafana="http://u:p@192.0.2.7").credentials("grafana") is None
    assert context(tmp_path, grafana="http://192.0.2.7").credentials("grafana") is not None


def test_a_check_whose_time_is_over_tells_of_no_component_that_hangs(tmp_path: Path) -> None:
    def asks(context: Context) -> list[Finding]:
        context.ask("prometheus", Request("/-/ready"), login=False)
        return []

    check = Check("signals", "prometheus", "panels answer", asks, ("prometheus",), seconds=-1)
    (finding,) = run_checks(context(tmp_path), [check]).findings
    assert (finding.state, finding.code) == ("warn", "out-of-time")
    assert finding.cause == "prometheus answers too slowly to look at all of: panels answer"


def test_addresses_come_from_the_compose_file_and_from_the_user(tmp_path: Path) -> None:
    asked = context(tmp_path, kibana="http://192.0.2.7:5601/")
    assert asked.address("prometheus") == "http://127.0.0.1:19090"
    assert asked.address("alertmanager") == "http://10.0.0.7:19093"
    assert asked.address("kibana") == "http://192.0.2.7:5601"
    assert asked.has("kibana")
    assert not asked.has("logstash")
    with pytest.raises(ProbeError) as error:
        asked.address("grafana")
    assert error.value.code == "not-published"


def test_a_missing_secret_is_named_and_never_shown(tmp_path: Path) -> None:
    asked = context(tmp_path)
    with pytest.raises(ProbeError) as error:
        asked.credentials("grafana")
    assert error.value.values == {"secret": "grafana_admin_password"}
    (tmp_path / "grafana_admin_password").write_text("s3cret\n")
    login = asked.credentials("grafana")
    assert login is not None
    assert login.password == "s3cret"  # noqa: S105 - made up
    assert "s3cret" not in repr(login)


def test_files_on_disk_win_over_rendered_ones(tmp_path: Path) -> None:
    asked = context(tmp_path)
    assert asked.on_disk("docker-compose.yml") == asked.rendered("docker-compose.yml")
    (tmp_path / "stack").mkdir()
    (tmp_path / "stack" / "docker-compose.yml").write_text("services: {}")
    assert context(tmp_path).on_disk("docker-compose.yml") == {"services": {}}


@pytest.mark.parametrize(
    ("sent", "failed", "state"),
    [
        (0, 0, "waiting"),
        (1, 0, "waiting"),
        (2, 0, "delivered"),
        (3, 1, "delivered"),
        (2, 1, "failed"),
    ],
)
def test_notifications_are_counted(sent: float, failed: float, state: str) -> None:
    before = Counts({"slack": 10}, {"slack": 4})
    after = Counts({"slack": 10 + sent}, {"slack": 4 + failed})
    assert delivery_state("slack", 2, before, after) == state


def test_targets_of_the_command_line() -> None:
    assert parse_targets(["grafana=https://g.example.com/x"]) == {
        "grafana": "https://g.example.com/x"
    }
    with pytest.raises(UsageError) as error:
        parse_targets(
            ["graphana=http://x", "grafana=g.example.com", "kibana", "kibana=http://x:99999"]
        )
    assert len(error.value.problems) == 4


def in_state(status: str) -> ContainerState:
    return ContainerState("prometheus", "shop-prometheus-1", status, None, 0, False, 0, 0.0, {})  # noqa: FBT003 - not killed


@pytest.mark.parametrize("states", [(), (in_state("created"),), (in_state("paused"),)])
def test_a_stranger_on_the_port_of_a_component_that_does_not_run_is_not_asked(
    tmp_path: Path, states: tuple[ContainerState, ...]
) -> None:
    asked: list[Context] = []

    def ask(context: Context) -> tuple[()]:
        asked.append(context)
        return ()

    check = Check("signals", "rules", "work", ask, ("prometheus",))
    report = run_checks(replace(context(tmp_path), containers=lambda: states), [check])
    assert [(one.state, one.evidence) for one in report.findings] == [
        ("skip", "prometheus is not ready")
    ]
    running = replace(context(tmp_path), containers=lambda: (in_state("running"),))
    elsewhere = replace(context(tmp_path, prometheus="http://192.0.2.7"), containers=lambda: states)
    for other in (running, elsewhere, context(tmp_path)):
        run_checks(other, [check])
    assert len(asked) == 3


def test_no_test_alert_goes_to_a_stranger_on_the_port(tmp_path: Path) -> None:
    nothing_runs = replace(context(tmp_path), containers=lambda: ())
    with pytest.raises(ObsctlError, match="Alertmanager does not run"):
        list(try_alert(nothing_runs, {"alertname": "A"}))


@pytest.mark.parametrize("status", ["exited", "paused"])
def test_what_follows_from_a_container_that_does_not_run_is_skipped(
    tmp_path: Path, status: str
) -> None:
    """Though it is not asked, so that nothing says that it does not answer."""
    asked = replace(context(tmp_path), containers=lambda: (in_state(status),))
    claims = [
        asked.claim("signals", "grafana", f"can query {name}") for name in ("Prometheus", "X")
    ]
    findings = (
        asked.claim("containers", "prometheus", "runs").fail("container-paused", status),
        *(claim.fail("datasource-unhealthy", "no such host", name="x") for claim in claims),
        claims[0].fail(
            "target-container", 'Get "http://prometheus-exporter:1/metrics": no', host="x", port=1
        ),
    )
    outcomes = [Outcome(Check("signals", "grafana", "can query", lambda _: ()), findings)]
    judged = judge(asked, outcomes)
    assert [finding.state for finding in judged] == ["fail", "skip", "fail", "skip"]
    assert judged[1].evidence == "prometheus is not well"
