"""Reloads of real components: checked first, read back after, and undone when refused."""

import itertools
import shutil
import urllib.parse
import urllib.request
from pathlib import Path

from tests.engine.judging import Judge, judging
from tests.engine.small_files import put, write_prometheus
from tests.engine.small_stack import Project, eventually
from tests.engine.test_up import assert_up_is_quiet, ids, up

RULES = "rule_files: [rules.yml]\n"


def rules(seconds: int, threshold: str = "2", expr: str = "up < {}") -> str:
    return (
        "groups:\n- name: g\n  rules:\n  - alert: Slow\n"
        f"    expr: {expr.format(threshold)}\n    for: {seconds}s\n"
    )


def loaded_rules(project: Project) -> list[tuple[str, float]]:
    groups = project.get("prometheus", "/api/v1/rules")["data"]["groups"]
    return [(rule["query"], rule["duration"]) for group in groups for rule in group["rules"]]


def interval(project: Project) -> str:
    loaded = project.get("prometheus", "/api/v1/status/config")["data"]["yaml"]
    return next(str(line).split()[1] for line in loaded.splitlines() if "scrape_interval:" in line)


def with_rules(project: Project) -> Path:
    """The stack is up, with one rule file; returns its path."""
    path = project.stack / "prometheus" / "rules.yml"
    put(path, rules(5))
    write_prometheus(project, interval="5s", extra=RULES)
    up(project)
    return path


def test_thresholds_and_for_are_read_back(running: Project, short_path: Path) -> None:
    path = with_rules(running)
    before = ids(running)
    put(path, rules(7, "1"))
    assert "reload prometheus" in up(running).stdout
    assert loaded_rules(running) == [("up < 1", 7)]
    assert ids(running) == before
    assert_up_is_quiet(running, short_path)


def test_a_directory_that_was_replaced_is_mounted_anew(running: Project, short_path: Path) -> None:
    """As by a checkout of a branch without it, and back; remembered or not how it was before."""
    directory, redis = running.stack / "prometheus", f"{running.name}-redis-1"
    before = ids(running)
    for wanted, state_is_lost in (("7s", False), ("9s", True)):
        shutil.copytree(directory, running.root / "copy")
        shutil.rmtree(directory)
        (running.root / "copy").rename(directory)
        if state_is_lost:
            (running.root / ".obsctl" / "state.json").unlink()
            up(running)
        write_prometheus(running, interval=wanted)
        done = up(running)
        words = "stack/prometheus is another directory now than the one that it mounts"
        assert f"replace prometheus  {words}" in done.stdout, done
        assert interval(running) == wanted
        assert ids(running)[redis] == before[redis]
    write_prometheus(running, interval="5s")
    assert "reload prometheus" in up(running).stdout
    assert_up_is_quiet(running, short_path)


def refused(judge: Judge, service: str, *words: str) -> None:
    told = "refused its changed configuration"
    judge.told(judge.project.up(), f"`{service}`", "correct it and run `obsctl up`", told, *words)
    assert not list(judge.project.stack.rglob(".obsctl-staged"))


def test_what_the_tool_refuses_is_never_loaded(running: Project, short_path: Path) -> None:
    path = with_rules(running)
    reloads = "prometheus_config_last_reload_success_timestamp_seconds"
    before = metric(running, reloads)
    routes = running.stack / "alertmanager" / "alertmanager.yml"
    good = routes.read_text()
    with judging(running, short_path) as judge:
        put(path, rules(7, expr="sum by ({}"))
        write_prometheus(running, interval="7s", extra=RULES)
        for _ in range(2):
            refused(judge, "prometheus", "rules.yml", "parse error")
        assert metric(running, reloads) == before
        assert metric(running, "prometheus_config_last_reload_successful") == 1
        assert loaded_rules(running) == [("up < 2", 5)]
        assert interval(running) == "5s"
        put(routes, "route: {receiver: nobody}\n")
        refused(judge, "alertmanager", 'undefined receiver "nobody"')
        put(path, rules(5))
        write_prometheus(running, interval="5s", extra=RULES)
        put(routes, good)


def test_nothing_is_written_before_the_tool_agrees(running: Project, tmp_path: Path) -> None:
    path = with_rules(running)
    good = path.read_text()
    coming = tmp_path / "coming" / "prometheus" / "rules.yml"
    coming.parent.mkdir(parents=True)
    coming.write_text(rules(7, expr="sum by ({}"))
    done = running.up(f"--coming={tmp_path / 'coming'}")
    assert done.code == 5, done
    assert "parse error" in done.stderr
    assert path.read_text() == good
    coming.write_text(rules(9))
    done = running.up(f"--coming={tmp_path / 'coming'}")
    assert done.code == 0, done
    assert path.read_text() == rules(9)
    assert loaded_rules(running) == [("up < 2", 9)]


def metric(project: Project, name: str) -> float:
    """As it is now: what was scraped of it is up to an interval old."""
    url = f"http://127.0.0.1:{project.ports['prometheus']}/metrics"
    with urllib.request.urlopen(url, timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


def test_a_refusal_that_the_tool_did_not_foresee_is_undone(
    running: Project, short_path: Path
) -> None:
    """Nothing can check in a container without the tool: the reload itself has to fail."""
    path = with_rules(running)
    good = path.read_text()
    script = "#!/bin/sh\nexit 127\n"
    no_tool = running.stack / "prometheus" / "no-tool"
    no_tool.write_text(script)
    no_tool.chmod(0o755)
    service = running.document["services"]["prometheus"]
    mount = dict(service["volumes"][0]) | {
        "source": "./prometheus/no-tool",
        "target": "/usr/bin/promtool",
    }
    running.change("prometheus", volumes=[*service["volumes"], mount])
    up(running)
    before = ids(running)
    with judging(running, short_path) as judge:
        put(path, rules(7, expr="sum by ({}"))
        write_prometheus(running, interval="7s", extra=RULES)
        back = "the last good files of `prometheus` are back"
        refused(judge, "prometheus", "HTTP 500", back)
        assert path.read_text() == good
        # Prometheus applies the main file even when it refuses a rule file: both are back.
        assert interval(running) == "5s"
        assert loaded_rules(running) == [("up < 2", 5)]
    assert ids(running) == before


def test_a_reload_without_effect_is_no_reload(running: Project, short_path: Path) -> None:
    """A file that is mounted alone stays what it was, and Prometheus answers 200."""
    service = running.document["services"]["prometheus"]
    file = dict(service["volumes"][0]) | {
        "source": "./prometheus/prometheus.yml",
        "target": "/etc/prometheus/prometheus.yml",
    }
    running.change("prometheus", volumes=[file, *service["volumes"][1:]])
    up(running)
    good = (running.stack / "prometheus" / "prometheus.yml").read_text()
    with judging(running, short_path) as judge:
        write_prometheus(running, interval="7s")
        words = ("file has `7s`, loaded is `5s`", "recreate the container")
        refused(judge, "prometheus", *words)
    assert (running.stack / "prometheus" / "prometheus.yml").read_text() == good


def test_no_scrape_is_missed_over_reloads(project: Project) -> None:
    """Five reloads in a row under a 1 s interval, judged by Prometheus's own samples."""
    write_prometheus(project, interval="1s")
    up(project)
    eventually(lambda: len(scrape_times(project)) >= 2)
    path = project.stack / "prometheus" / "rules.yml"
    for number in range(5):
        put(path, rules(number + 1))
        write_prometheus(project, interval="1s", extra=RULES)
        up(project)
    count = len(scrape_times(project))
    eventually(lambda: len(scrape_times(project)) >= count + 1)
    times = scrape_times(project)
    gaps = [after - before for before, after in itertools.pairwise(times)]
    # A scrape that is missed leaves a gap of two intervals; jitter is milliseconds.
    assert max(gaps) < 1.5, gaps
    assert loaded_rules(project) == [("up < 2", 5)]
    print(f"{len(times)} scrapes over 5 reloads, longest gap {max(gaps):.3f} s of 1 s")


def scrape_times(project: Project) -> list[float]:
    query = urllib.parse.quote('up{job="prometheus"}[2m]')
    found = project.get("prometheus", f"/api/v1/query?query={query}")["data"]["result"]
    return [float(moment) for moment, _ in found[0]["values"]] if found else []
