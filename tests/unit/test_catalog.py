"""The catalogue: every built-in entry is sound, and a project's own are refused at their place."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from obsctl.catalog.check import check_kind
from obsctl.catalog.entry import kind
from obsctl.catalog.files import available_kinds, built_in
from obsctl.catalog.load import load_catalog
from obsctl.catalog.schema import schema_problems
from obsctl.catalog.text import fill, names, number
from obsctl.conventions import IMAGES
from obsctl.errors import ProjectFileError
from tests.unit.catalog_support import told

KINDS = Path(str(__import__("obsctl.catalog").catalog.__file__)).parent / "kinds"
EVERY = sorted(path.stem for path in KINDS.glob("*.yaml"))
WANTED = (
    "express http fastapi spring go mongodb redis postgres mysql nginx rabbitmq kafka "
    "elasticsearch node docker prometheus alertmanager grafana logstash"
)
OWN = """\
title: Queue
category: broker
metrics: { queue_up: gauge, queue_length: gauge }
alerts:
  QueueLong:
    expr: queue_length{[[ selector ]]} > [[ threshold ]]
    tiers: { warning: { threshold: 10, for: 5m } }
    summary: The queue is long.
    description: "{{ $value }} jobs wait on {{ $labels.instance }}."
    runbook: { meaning: m, impact: i, diagnosis: [ look ], mitigation: [ act ] }
    tests:
      - labels: { instance: a }
        series: { 'queue_length{[[ selector ]],instance="a"}': '[[ value ]]x[[ n ]]' }
panels:
  Queue:
    - { title: Length, unit: short, expr: 'queue_length{[[ selector ]]}', legend: '{{instance}}' }
"""


def frozen(value: Any) -> Any:  # noqa: ANN401 - plain data
    """Lists as tuples, as the project's reader gives them."""
    if isinstance(value, list):
        return tuple(frozen(item) for item in value)
    if isinstance(value, dict):
        return {key: frozen(item) for key, item in value.items()}
    return value


def own(directory: Path, text: str, name: str = "queue") -> list[str]:
    """Problems of a catalogue folder with one file in it."""
    (directory / f"{name}.yaml").write_text(text, encoding="utf-8")
    try:
        load_catalog([name], directory)
    except ProjectFileError as error:
        return told(error)
    return []


def test_all_kinds_are_there() -> None:
    assert set(WANTED.split()) == set(available_kinds())


@pytest.mark.parametrize("name", EVERY)
def test_built_in_kind_has_the_schemas_form(name: str) -> None:
    raw = yaml.safe_load((KINDS / f"{name}.yaml").read_text(encoding="utf-8"))
    assert schema_problems(frozen(raw)) == []


@pytest.mark.parametrize("name", EVERY)
def test_built_in_kind_is_sound(name: str) -> None:
    assert list(check_kind(kind(name, built_in(name)))) == []


@pytest.mark.parametrize("name", EVERY)
def test_built_in_kind_says_enough(name: str) -> None:
    entry = load_catalog([name]).kinds[name]
    for alert in entry.alerts:
        assert any(step.query or step.command for step in alert.runbook.diagnosis), alert.name
        assert alert.summary.endswith("."), alert.name
        assert "$labels" not in alert.summary, "a summary is the same for a whole group"
    assert all(entry.notes.values())
    if entry.exporter:
        assert entry.exporter.image in IMAGES


def test_severities_of_the_seed() -> None:
    catalog = load_catalog(["express", "node", "mongodb"])
    tiers = {
        (alert.name, tier.severity): tier.threshold
        for entry in catalog.kinds.values()
        for alert in entry.alerts
        for tier in alert.tiers
    }
    assert (tiers["HighErrorRate", "warning"], tiers["HighErrorRate", "critical"]) == (0.05, 0.10)
    assert (tiers["HighLatency", "warning"], tiers["HighLatency", "critical"]) == (2, 5)
    assert (tiers["LowMemory", "warning"], tiers["LowMemory", "critical"]) == (0.10, 0.05)
    assert (tiers["HighCPU", "warning"], tiers["HighCPU", "critical"]) == (0.70, 0.90)
    assert tiers["DatabaseDown", "critical"] is None
    for name in ("UnusualTraffic", "NewErrorType", "PerformanceDegradation"):
        assert (name, "info") in tiers


def test_only_named_kinds_are_read() -> None:
    assert set(load_catalog(["redis"]).kinds) == {"redis", "target"}


def test_unknown_kinds_are_left_to_the_caller() -> None:
    assert set(load_catalog(["nonsense"]).kinds) == {"target"}


def test_inheritance_overrides_settings_and_adds_alerts() -> None:
    kinds = load_catalog(["http", "spring"]).kinds
    assert kinds["spring"].settings["status_label"] == "status"
    assert kinds["http"].settings["status_label"] == "status_code"
    inherited = {alert.name for alert in kinds["http"].alerts}
    assert inherited < {alert.name for alert in kinds["spring"].alerts}


def test_own_kind_is_loaded_and_listed(tmp_path: Path) -> None:
    assert own(tmp_path, OWN) == []
    assert "queue" in available_kinds(tmp_path)
    assert load_catalog(["queue"], tmp_path).kinds["queue"].title == "Queue"


def test_own_kind_overrides_a_built_in_of_its_name(tmp_path: Path) -> None:
    text = "extends: redis\nalerts:\n  RedisHitRatioLow: null\n"
    assert own(tmp_path, text, "redis") == []
    alerts = {alert.name for alert in load_catalog(["redis"], tmp_path).kinds["redis"].alerts}
    assert "RedisDown" in alerts
    assert "RedisHitRatioLow" not in alerts


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("> [[ threshold ]]", "> [[ treshold ]]", "`[[ treshold ]]` is not known here"),
        ("queue_length{[[ selector ]]} >", "queue_length{[[ selector ]] >", "this is no PromQL"),
        ("queue_length{[[ selector ]]} >", "queue_size{[[ selector ]]} >", "`queue_size` is not"),
        ("{[[ selector ]]} > ", " > ", "without `[[ selector ]]`"),
        ("unit: short", "unit: shorts", "`shorts` is no unit"),
        ("category: broker", "category: brokr", "`category`: expected"),
        ("title: Queue\n", "", "`title` is missing"),
        ("title: Queue", "titel: Queue", "unknown setting `titel`"),
        ("for: 5m", "for: 5", "`for`: expected a valid string"),
        ("impact: i, ", "", "`impact` is missing"),
        ("- labels:", "- fires: [ warning ]\n        labels:", "no test shows it silent"),
        ("- labels:", "- fires: [ ]\n        labels:", "no test shows it firing as warning"),
        ("'[[ value ]]x", "'[[ valeu ]]x", "`[[ valeu ]]` is not known here"),
        ("title: Length", "title: Length, alert: Nope", "the kind has no alert `Nope`"),
    ],
)
def test_mistakes_in_an_own_kind(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert old in OWN
    found = own(tmp_path, OWN.replace(old, new))
    assert any(problem in line for line in found), found
    assert all(line[0].isdigit() for line in found)


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("command: ['--at=[[ adress ]]']", "`address`, `host`, `port`"),
        ("environment: { URL: 'x://[[ user ]]@[[ address ]]' }", "`address`, `host`, `port`"),
        ("command_with_credentials: ['[[ password ]]']", "`password_file`, `port`, `user`"),
        ("command: ['[[ a.b ]]', '[[]]']", "`address`, `host`, `port`"),
    ],
)
def test_a_text_of_an_exporter_with_an_unknown_placeholder(
    tmp_path: Path, text: str, known: str
) -> None:
    exporter = f"exporter:\n  image: e\n  port: 9\n  user: '1'\n  {text}\n"
    found = [line for line in own(tmp_path, OWN + exporter) if "placeholder" in line]
    assert found
    for line in found:
        assert line.startswith("21:")
        assert known in line


def test_all_mistakes_of_all_own_kinds_at_once(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("extends: expres\n", encoding="utf-8")
    found = own(tmp_path, OWN.replace("unit: short", "unit: shorts"))
    assert len(found) >= 2
    assert any("there is no kind `expres`" in line for line in found)


def test_a_circle_of_extends_ends(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("extends: b\ntitle: A\ncategory: app\n", encoding="utf-8")
    found = own(tmp_path, "extends: a\ntitle: B\ncategory: app\n", "b")
    assert any("extends itself" in line for line in found)


def test_placeholders() -> None:
    assert fill("a[[ x ]]b[[ y * 2 ]]", {"x": "1", "y": "0.3"}) == "a1b0.6"
    assert fill("rate(x[[[ window ]]])", {"window": "5m"}) == "rate(x[5m])"
    assert names("[[ a - 2 * b ]] [[ c ]]") == {"a", "b", "c"}
    with pytest.raises(ValueError, match="not known here"):
        fill("[[ x ]]", {})
    with pytest.raises(ValueError, match="no arithmetic"):
        fill("[[ __import__('os') ]]", {})


@pytest.mark.parametrize(
    ("value", "text"), [(0.05, "0.05"), (2.0, "2"), (1209600.0, "1209600"), (0.1 + 0.2, "0.3")]
)
def test_numbers_are_written_plainly(value: float, text: str) -> None:
    assert number(value) == text
