"""What `obsctl plan` prints, as text and as data."""

from obsctl.engine.planning.plan import Action, Operation, Plan

PLAN = Plan(
    (
        Operation(Action.PULL, "prom/prometheus:v3", "the Engine does not have it"),
        Operation(
            Action.REPLACE,
            "prometheus",
            "image prom/prometheus:v2 -> prom/prometheus:v3",
            ("pull prom/prometheus:v3",),
        ),
        Operation(Action.WAIT, "redis", "until it is ready"),
    )
)


def test_text() -> None:
    assert (
        str(PLAN)
        == """\
pull prom/prometheus:v3  the Engine does not have it
replace prometheus       image prom/prometheus:v2 -> prom/prometheus:v3
wait for redis           until it is ready
"""
    )


def test_data() -> None:
    data = PLAN.as_data()
    assert data["changes"] == 2
    assert data["operations"][1] == {
        "action": "replace",
        "resource": "prometheus",
        "cause": "image prom/prometheus:v2 -> prom/prometheus:v3",
        "needs": ["pull prom/prometheus:v3"],
        "change": True,
        "saves": [],
    }
    assert data["operations"][2]["change"] is False
