"""What `plan` says in words about a change of the rendered files."""

from pathlib import Path

from obsctl.engine.planning.summary import summarise

PROMETHEUS = """\
global: {{scrape_interval: {interval}}}
scrape_configs:
- job_name: backend
  metrics_path: {path}
  static_configs: [{{targets: [{targets}], labels: {{service: backend}}}}]
"""
RULE = """\
groups:
- name: g
  rules:
  - alert: HighLatency
    expr: {expr}
    for: {duration}
    labels: {{severity: warning, service: backend, team: {team}}}
    annotations: {{description: '{words}'}}
"""


def files(**changes: str) -> dict[str, str]:
    values = {"interval": "15s", "path": "/metrics", "targets": "'a:1'"}
    values |= {
        "team": "erp",
        "expr": "up > 0.5 and x > 3",
        "duration": "5m",
        "words": "slower than 2s; 5% may",
    }
    values |= changes
    return {
        "prometheus/prometheus.yml": PROMETHEUS.format(**values),
        "prometheus/alert_rules.yml": RULE.format(**values),
    }


def one(**changes: str) -> tuple[str, ...]:
    return summarise(files(), files(**changes))


def test_nothing_changes() -> None:
    assert one() == ()


def test_targets() -> None:
    assert one(targets="'a:1','b:2','c:3'") == ("adds 2 targets: backend b:2, backend c:3",)
    assert one(targets="'b:2'") == ("adds 1 target: backend b:2", "removes 1 target: backend a:1")
    assert one(path="/other") == ("scrapes in another way 1 target: backend a:1",)
    assert one(interval="10s") == ("scrape_interval 15s -> 10s",)


def test_alerts() -> None:
    name = "HighLatency (backend, warning)"
    assert one(words="slower than 1s; 5% may", expr="up > 0.4") == (f"{name}: 2s -> 1s",)
    assert one(expr="up > 0.25 and x > 3") == (f"{name}: 0.5 -> 0.25",)
    assert one(expr="down > 1") == (f"{name}: another expression",)
    assert one(duration="1m") == (f"{name}: for 5m -> 1m",)
    assert one(words="slow") == (f"{name}: other words",)
    assert one(team="shop") == (f"{name}: team erp -> shop",)
    old = files() | {"prometheus/alert_rules.yml": "groups: []"}
    assert summarise(old, files()) == (f"adds 1 alert: {name}",)
    assert summarise(files(), old) == (f"removes 1 alert: {name}",)


def test_the_rest_by_name() -> None:
    old = {
        "alertmanager/alertmanager.yml": "route: {receiver: a}\nreceivers: [{name: a}]",
        "grafana/dashboards/x.json": '{"title": "X"}',
        "blackbox/blackbox.yml": "modules: {}",
    }
    new = {
        "alertmanager/alertmanager.yml": "route: {receiver: b}\nreceivers: [{name: a}, {name: b}]",
        "grafana/dashboards/y.json": '{"title": "Y"}',
        "blackbox/blackbox.yml": "modules: {a: {}}",
    }
    assert summarise(old, new) == (
        "adds 1 receiver: b",
        "alerts are routed in another way",
        "adds 1 dashboard: Y",
        "removes 1 dashboard: X",
        "probe modules change",
    )


def test_files_that_were_edited_by_hand_do_no_harm() -> None:
    old = files() | {"prometheus/prometheus.yml": "{"}
    assert summarise(old, files()) == ("adds 1 target: backend a:1",)


def test_the_seed_project_with_another_threshold() -> None:
    stack = Path(__file__).parents[1] / "golden" / "seed" / "stack"
    old = {str(path.relative_to(stack)): path.read_text() for path in stack.rglob("*.y*ml")}
    text = old["prometheus/alert_rules.yml"]
    new = old | {"prometheus/alert_rules.yml": text.replace("for: 10m", "for: 7m")}
    lines = summarise(old, new)
    (told,) = (line for line in lines if line.startswith("for 10m -> 7m in 17 alerts: Alert"))
    assert told.endswith(", ...")
    assert "ErrorBurst (backend, warning): keep_firing_for 10m -> 7m" in lines
    assert all("for 10m -> 7m" in line for line in lines)
