"""Which image changes need a snapshot of the data: judged by the tags alone."""

from dataclasses import replace

import pytest

from obsctl.conventions import COMPOSE_PROJECT
from obsctl.engine.applying.snapshots import LABEL_OF, LABEL_SAVING, half_made, snapshots
from obsctl.engine.desired.model import Desired
from obsctl.engine.planning.data_guard import data_risk
from obsctl.engine.planning.plan import Plan
from obsctl.engine.planning.reconcile import reconcile
from obsctl.engine.run.state import Loaded, State
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


def risky() -> Desired:
    return desired(replace(service("grafana", spec_hash="b"), image="grafana/grafana:12.0.0"))


HERE = container("grafana", image="grafana/grafana:13.2.3")


def saves(plan: Plan) -> list[str]:
    return [volume for operation in plan.operations for volume in operation.saves]


def test_the_volume_is_saved_unless_that_is_declined_and_only_with_data() -> None:
    wanted = risky()
    plan = reconcile(wanted, observed(wanted, HERE), State())
    assert saves(plan) == ["erp_grafana"]
    assert plan.refusals == ()
    assert "migrated for the newer version" in str(plan)
    assert "saves volume erp_grafana before" in str(plan)
    assert plan.as_data()["operations"][0]["saves"] == ["erp_grafana"]
    assert saves(reconcile(wanted, observed(wanted, HERE), State(), {"grafana"})) == []
    empty = observed(wanted, HERE, without=("erp_grafana",))
    assert saves(reconcile(wanted, empty, State())) == []


def test_the_volume_remembers_after_down() -> None:
    """There is no container to go back to."""
    wanted = desired(replace(service("grafana"), image="grafana/grafana:12.0.0"))
    state = State({"grafana": Loaded("gone", {}, "grafana/grafana:13.2.3")})
    plan = reconcile(wanted, observed(wanted), state)
    (problem,) = plan.refusals
    assert "from grafana/grafana:13.2.3 to grafana/grafana:12.0.0" in problem.message
    assert "erp_grafana" in (problem.hint or "")
    assert "refused" in str(plan)
    assert reconcile(wanted, observed(wanted), state, {"grafana"}).refusals == ()


def test_a_successor_that_never_ran_has_written_nothing() -> None:
    wanted = risky()
    left = container("grafana", "created", suffix="_next", image="grafana/grafana:12.0.0")
    assert saves(reconcile(wanted, observed(wanted, HERE, left), State())) == ["erp_grafana"]


def test_a_copy_that_was_cut_short_is_no_snapshot() -> None:
    labels = {"Config": {"Labels": {LABEL_SAVING: "erp_grafana_1"}}}
    copier = container("grafana", "running", suffix="_copying", inspected=labels)
    assert half_made(copier) == "erp_grafana_1"
    assert half_made(replace(copier, state="exited", exit_code=1)) == "erp_grafana_1"
    assert half_made(replace(copier, state="exited")) is None
    assert half_made(HERE) is None


def test_snapshots_of_the_project_come_newest_first() -> None:
    def volume(name: str, made: str, project: str = "erp", **labels: str) -> dict[str, object]:
        own = {COMPOSE_PROJECT: project, **labels}
        return {"Name": name, "CreatedAt": made, "Labels": own}

    of = {LABEL_OF: "erp_grafana"}
    found = snapshots(
        [
            volume("a", "2026-01-01T00:00:00Z", **of),
            volume("b", "2026-01-02T00:00:00Z", **of),
            volume("c", "2026-01-03T00:00:00Z", "other", **of),
            volume("erp_grafana", "2026-01-04T00:00:00Z"),
            {"Name": "bare", "Labels": None},
        ],
        "erp",
    )
    assert [one.name for one in found] == ["b", "a"]
