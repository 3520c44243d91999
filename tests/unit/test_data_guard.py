"""Which image changes are refused: judged by the tags alone."""

from dataclasses import replace

import pytest

from obsctl.engine.data_guard import data_risk
from obsctl.engine.reconcile import reconcile
from obsctl.engine.state import Loaded, State
from tests.unit.engine_samples import container, desired, observed, service

ELASTIC = "docker.elastic.co/elasticsearch/elasticsearch"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("prom/prometheus:v3.13.2", "prom/prometheus:v2.54.1", "older than 2.55"),
        ("prom/prometheus:v3.13.2", "prom/prometheus:v2.55.0", None),
        ("prom/prometheus:v3.13.2", "prom/prometheus:v3.5.0", None),
        ("prom/prometheus:v2.54.1", "prom/prometheus:v3.0.0", "cannot read it any more"),
        ("prom/prometheus:v2.55.1", "prom/prometheus:v3.0.0", None),
        (f"{ELASTIC}:9.5.2", f"{ELASTIC}:9.5.1", "does not start"),
        (f"{ELASTIC}:9.5.2", f"{ELASTIC}:9.6.0", None),
        (f"{ELASTIC}:8.19.0", f"{ELASTIC}:9.5.2", "converts its data"),
        (f"{ELASTIC}:7.17.0", f"{ELASTIC}:9.5.2", "of none older"),
        ("docker.elastic.co/kibana/kibana:9.5.2", "mirror:5000/kibana:9.4.0", "does not start"),
        ("grafana/grafana:13.2.3", "grafana/grafana:13.2.1", None),
        ("grafana/grafana:13.2.3", "grafana/grafana:13.1.9", "migrated"),
        ("grafana/grafana:12.4.0", "grafana/grafana:13.2.3", "migrates"),
        ("grafana/grafana:13.2.3@sha256:ab", "grafana/grafana:12.0.0@sha256:cd", "migrated"),
        ("grafana/grafana:latest", "grafana/grafana:12.0.0", None),
        ("grafana/grafana:13.2.3", "my/own:1.0.0", None),
        ("redis:8.0.0", "redis:7.0.0", None),
        ("", "prom/prometheus:v3.0.0", None),
    ],
)
def test_risk(old: str, new: str, words: str | None) -> None:
    found = data_risk(old, new)
    assert (words in found) if words and found else found == words


def test_refused_unless_accepted_and_only_with_data() -> None:
    wanted = desired(replace(service("grafana", spec_hash="b"), image="grafana/grafana:12.0.0"))
    here = container("grafana", image="grafana/grafana:13.2.3")
    plan = reconcile(wanted, observed(wanted, here), State())
    (problem,) = plan.refusals
    assert "from grafana/grafana:13.2.3 to grafana/grafana:12.0.0" in problem.message
    assert "erp_grafana" in (problem.hint or "")
    assert "refused" in str(plan)
    assert reconcile(wanted, observed(wanted, here), State(), {"grafana"}).refusals == ()
    empty = observed(wanted, here, without=("erp_grafana",))
    assert reconcile(wanted, empty, State()).refusals == ()


def test_the_volume_remembers_after_down() -> None:
    wanted = desired(replace(service("grafana"), image="grafana/grafana:12.0.0"))
    state = State({"grafana": Loaded("gone", {}, "grafana/grafana:13.2.3")})
    assert len(reconcile(wanted, observed(wanted), state).refusals) == 1
