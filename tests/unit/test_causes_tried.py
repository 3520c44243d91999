"""Every cause has a test that puts the fault in; and so has each ask that hurts users of peers."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from obsctl.health.findings.causes import load_causes

TESTS = Path(__file__).parents[1]
ABOUT_THE_CATALOGUE = {"test_explain.py", "test_causes_tried.py"}

# Why no fault is put in for these.
REASONS = {
    "not-yet": "no fault: what was started a moment ago; the tests of targets have it",
    "not-applicable": "no fault: the tests of catalogue and report have it as the state it is",
}


@dataclass(frozen=True, slots=True)
class Ask:
    """What users of other stacks ask for again and again: where it shows here, and its test.

    `place` is a file below tests/ and a text in it: the test or the fault. `codes` are causes of
    `check`; there are none where the ask cannot become a fault of a running stack.
    """

    title: str
    codes: tuple[str, ...]
    places: tuple[tuple[str, str], ...]


_FAULTS = "engine/faults.py"
_STACK = "engine/stack_faults.py"
_SIGNALS = "engine/test_check_signals.py"
ASKS = {
    1: Ask(
        "Grafana's password is set once", ("grafana-password",), ((_STACK, "grafana password"),)
    ),
    2: Ask(
        "passwords of Elasticsearch out of step",
        ("elastic-password", "user-password", "datasource-unhealthy", "kibana-not-ready"),
        ((_STACK, "writer password"), (_STACK, "reader password in Elasticsearch")),
    ),
    3: Ask(
        "a reload says 200 and changes nothing",
        ("config-not-loaded", "pipeline-not-loaded", "datasource-differs"),
        ((_FAULTS, "stale mount"), (_STACK, "pipeline of a stale mount")),
    ),
    4: Ask(
        "changed files are not seen",
        ("container-outdated", "config-not-loaded", "rules-not-loaded"),
        ((_STACK, "changed and not applied"), (_FAULTS, "routes not reloaded")),
    ),
    5: Ask(
        "cAdvisor shows no containers",
        ("containers-unnamed",),
        ((_SIGNALS, "test_metrics_that_tell_of_trouble"),),
    ),
    6: Ask(
        "alerts that cannot fire",
        ("rule-dead", "rule-error"),
        (("engine/test_check.py", "test_rules_that_are_dead_broken_and_firing"),),
    ),
    7: Ask(
        "alerts that always fire",
        ("alert-always-firing", "alert-firing"),
        ((_SIGNALS, "test_alerts_and_panels_that_say_nothing"),),
    ),
    8: Ask("what would change?", ("stack-stale",), ((_FAULTS, "project file ahead"),)),
    9: Ask("one threshold without a fork", (), (("unit/bad", "alert"),)),
    10: Ask(
        "does my receiver work?",
        ("notifications-failing", "canary-sink-silent", "canary-muted", "canary-misrouted"),
        (
            ("engine/test_check_faults.py", "test_receiver_that_refuses"),
            ("engine/test_check_faults.py", "test_a_sink_that_alertmanager_does_not_reach"),
            ("engine/test_check.py", "test_alert_test_tells_the_way_and_the_outcome"),
        ),
    ),
    11: Ask(
        "datasource not found",
        ("datasource-missing", "panel-error"),
        (("unit/test_own_dashboards.py", "datasource"),),
    ),
    12: Ask("edits in Grafana's pages", ("dashboard-differs",), ((_FAULTS, "dashboard changed"),)),
    13: Ask(
        "permissions of volumes: the process ends, and its last lines say why",
        ("container-exited", "container-restarting"),
        (("engine/test_check_containers.py", "echo why"),),
    ),
    14: Ask(
        "killed for memory",
        ("container-out-of-memory",),
        (("engine/test_check.py", "test_killed_for_memory"),),
    ),
    15: Ask(
        "a full disk, and logs that nobody can write",
        ("disk-flood", "disk-low", "disk-forecast", "history-cut", "retention-differs"),
        ((_STACK, "full disk"), (_STACK, "disk nearly full"), (_STACK, "other retention")),
    ),
    16: Ask("a trial that ends", ("licence-trial",), (("engine/test_check_answers.py", "trial"),)),
    17: Ask("upgrades without a way back", (), (("engine/test_rollback.py", "def test_"),)),
    18: Ask(
        "error tracking that fits",
        ("error-refused", "error-lost", "dsn-wrong"),
        (("engine/test_check_answers.py", "test_an_error_event"),),
    ),
    19: Ask(
        "health checks that lie",
        ("no-answer", "backend-down", "pipeline-not-running", "container-unhealthy"),
        ((_STACK, "hung"), (_FAULTS, "database down"), (_STACK, "pipeline down")),
    ),
    20: Ask(
        "localhost in a container",
        ("target-loopback", "target-refused"),
        ((_FAULTS, "loopback only"), (_FAULTS, "app down")),
    ),
}


def sources() -> str:
    """All tests but those of the catalogue's texts."""
    return "\n".join(
        path.read_text()
        for path in TESTS.rglob("*.py")
        if path.name not in ABOUT_THE_CATALOGUE and path.parent.name != "kit"
    )


def test_every_cause_is_tried() -> None:
    text = sources()
    tried = {code for code in load_causes() if re.search(rf"""["' ]{code}[ "']""", text)}
    assert set(load_causes()) - tried == set(REASONS)


def test_reasons_are_of_causes_that_are_there() -> None:
    assert set(REASONS) <= set(load_causes())


@pytest.mark.parametrize("ask", ASKS.values(), ids=lambda ask: ask.title)
def test_every_ask_has_its_causes_and_a_test(ask: Ask) -> None:
    assert set(ask.codes) <= set(load_causes())
    for place, text in ask.places:
        path = TESTS / place
        files = [path] if path.is_file() else sorted(path.iterdir())
        assert any(text in file.read_text() for file in files), place


def test_the_asks_are_twenty() -> None:
    assert list(ASKS) == list(range(1, 21))
