"""Mistakes of users: for each an error of its own at its place, and nothing is written."""

import json
from pathlib import Path
from typing import Any

import pytest

from obsctl.cli import run
from tests.unit.test_dashboards import OWN

BASE = """\
version: 1
project: shop
services:
  api: { kind: express, targets: [localhost:3000] }
"""
FOREIGN: dict[str, Any] = {"datasource": {"type": "prometheus", "uid": "PBFA97CFB590B2093"}}


def target(address: str) -> str:
    return BASE.replace("localhost:3000", f'"{address}"')


def rule(text: str) -> str:
    return BASE + f"rules: [ {{ alert: A, {text} }} ]\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "boards").mkdir()
    foreign = {**OWN, "panels": [{**OWN["panels"][0], **FOREIGN}]}
    (tmp_path / "boards/orders.json").write_text(json.dumps(foreign), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            BASE + "alerts: { HighLatency: { critical: 60s } }\n",
            "obsctl.yaml:5:36: error: `HighLatency` (critical) of `api` could never fire",
        ),
        (BASE.replace("express", "expres"), "obsctl.yaml:4:16: error: unknown kind `expres`"),
        (
            BASE + "notifications:\n  routes: { critical: [opps] }\n",
            "obsctl.yaml:6:24: error: `critical` names the receiver `opps`, which does not exist",
        ),
        (
            BASE + "notifications: { receivers: { ops: { slak: {} } } }\n",
            "obsctl.yaml:5:38: error: unknown setting `slak` in `ops`",
        ),
        (
            rule("expr: http_request_total > 1"),
            "obsctl.yaml:5:28: error: nothing in this project has the metric `http_request_total`",
        ),
        (
            BASE + "rules: [ { alert: A, expr: up }, { alert: A, expr: up == 0 } ]\n",
            "obsctl.yaml:5:43: error: `A` is defined twice with the same labels, first at line 5",
        ),
        (
            BASE + 'rules: [ { record: "a:b", expr: up }, { record: "a:b", expr: up } ]\n',
            "obsctl.yaml:5:49: error: `a:b` is defined twice with the same labels",
        ),
        (
            rule("expr: up, for: 5"),
            "obsctl.yaml:5:37: error: expected a duration such as `15s` for `for`, got `5`",
        ),
        (
            BASE + "alerts: { HighLatency: { for: 5 } }\n",
            "obsctl.yaml:5:31: error: expected a duration such as `15s` for `for`, got `5`",
        ),
        (
            rule('expr: up, annotations: { summary: "{{ $value | humanise }}" }'),
            "obsctl.yaml:5:56: error: templates have no function `humanise`",
        ),
        (
            rule("expr: up, labels: { le: x }"),
            "obsctl.yaml:5:42: error: the label `le` belongs to histogram buckets",
        ),
        (target("http://x"), "obsctl.yaml:4:35: error: an address is `host:port`, without a"),
        (target("x:99999"), "obsctl.yaml:4:35: error: `99999` is no port"),
        (target("a:b:c"), "obsctl.yaml:4:35: error: `a:b:c` has more than one `:`"),
        (target("::1:9100"), "obsctl.yaml:4:35: error: an IPv6 address needs brackets"),
        (
            BASE + "dashboards: [ boards/*.json ]\n",
            "obsctl.yaml:5:15: error: boards/orders.json: `Orders` asks the datasource `PBFA97CFB5",
        ),
    ],
)
def test_it_is_told_where_it_stands(
    project: Path, capsys: pytest.CaptureFixture[str], text: str, told: str
) -> None:
    (project / "obsctl.yaml").write_text(text, encoding="utf-8")
    assert run(["render"]) == 3
    said = capsys.readouterr().err
    assert said.startswith(told), said
    assert said.count("error: ") == 1
    assert sorted(path.name for path in project.iterdir()) == ["boards", "obsctl.yaml"]


def test_an_unknown_kind_hides_no_other_problem(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "catalog").mkdir()
    (project / "catalog/queue.yaml").write_text("title: Queue\ncategory: brokr\n", "utf-8")
    (project / "obsctl.yaml").write_text(
        """\
version: 1
project: shop
services:
  api: { kind: express, targets: [localhost:3000] }
  web: { kind: expres, targets: [localhost:3002] }
  jobs: { kind: queue, targets: [localhost:3003] }
alerts:
  HighLatency: { critical: 60s }
  QueueLong: { warning: 5 }
rules: [ { alert: A, expr: "up ==" }, { alert: B, expr: queue_length > 5 } ]
dashboards: [ boards/*.json ]
stack: { prometheus: { memory: 20MiB } }
""",
        encoding="utf-8",
    )
    assert run(["validate"]) == 3
    said = [line for line in capsys.readouterr().err.splitlines() if "error: " in line]
    # Whether QueueLong and its metric are there is for nobody to say while the kind is broken.
    assert [line.split(": error: ")[0] for line in said] == [
        "catalog/queue.yaml:2:11",
        "obsctl.yaml:5:16",
        "obsctl.yaml:8:28",
        "obsctl.yaml:10:28",
        "obsctl.yaml:11:15",
        "obsctl.yaml:12:32",
    ]


def test_a_setting_that_is_wrong_hides_nothing_that_can_be_told_without_it(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "obsctl.yaml").write_text(
        """\
version: 1
project: Shop
services:
  api: { kind: express, targets: [localhost:99999] }
  web: { kind: expres, targets: [localhost:3002], tragets: [] }
  cache: { kind: redis, credentials: { password: hunter2 } }
  db: { kind: redis, address: "db:6379", metrics: [1] }
alerts:
  HighLatency: { critical: 60s }
  HighErrorRate: { for: 5 }
rules: [ { alert: A, expr: "absent(what_db_lost)" } ]
slo: { api: { availability: 100 } }
notifications: { receivers: { ops: { slack: {} }, quiet: { discord: {} } } }
logs: { retention: 14 days }
dashboards: [ boards/*.json ]
stack: { prometheus: { memory: 20MiB, port: yes } }
""",
        encoding="utf-8",
    )
    assert run(["validate"]) == 3
    said = [line for line in capsys.readouterr().err.splitlines() if "error: " in line]
    # What db's metrics and the receivers' routes are depends on settings that are wrong.
    assert [line.split(": error: ")[0] for line in said] == [
        "obsctl.yaml:2:10",
        "obsctl.yaml:4:35",
        "obsctl.yaml:5:16",
        "obsctl.yaml:5:51",
        "obsctl.yaml:6:3",
        "obsctl.yaml:6:25",
        "obsctl.yaml:6:40",
        "obsctl.yaml:7:52",
        "obsctl.yaml:9:28",
        "obsctl.yaml:10:25",
        "obsctl.yaml:12:29",
        "obsctl.yaml:13:38",
        "obsctl.yaml:13:38",
        "obsctl.yaml:13:60",
        "obsctl.yaml:14:20",
        "obsctl.yaml:16:45",
    ]


def test_own_kinds_are_named_as_the_project_file_is(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "catalog").mkdir()
    (project / "catalog/queue.yaml").write_text("title: Queue\ncategory: brokr\n", "utf-8")
    (project / "obsctl.yaml").write_text(BASE, encoding="utf-8")
    monkeypatch.chdir(project.parent)
    assert run(["validate", "--file", f"{project.name}/obsctl.yaml"]) == 3
    assert capsys.readouterr().err.startswith(f"{project.name}/catalog/queue.yaml:2:11: error: ")


@pytest.mark.parametrize(
    "expr",
    [
        "orders_total > 1",
        "orders_failed_total > 1",
        "stock_level < 5",
        "rate(http_request_duration_seconds_bucket[5m]) > 1",
        "job:http_requests:rate5m > 1",
        "process_open_fds + go_goroutines + scrape_duration_seconds > 1",
        "shop:orders:rate5m > 1",
        'ALERTS{alertstate="firing"} and up and {job="api"}',
    ],
)
def test_metrics_that_a_rule_may_use(project: Path, expr: str) -> None:
    text = BASE.replace("3000] }", "3000], metrics: [ 'orders_*', stock_level ] }")
    rules = f"""\
rules:
  - {{ alert: A, expr: '{expr}' }}
  - {{ record: "shop:orders:rate5m", expr: "sum(rate(orders_total[5m]))" }}
"""
    (project / "obsctl.yaml").write_text(text + rules, encoding="utf-8")
    assert run(["validate"]) == 0
