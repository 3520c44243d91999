"""The main job on a real Engine: one project file, real Prometheus, Redis, node, probe and app.

Every claim is judged by what the components themselves say, not by what obsctl prints.
"""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.project import ProjectUnderTest, clean_environment, eventually, free_port
from tests.kit.engine import ensure_engine
from tests.kit.host import KitUnavailable
from tests.kit.images import ensure_images, stack_images
from tests.kit.tools import ensure_tools, tool_environment
from tests.kit.watched import Watched, start_watched
from tests.tiers import unavailable

# Two runs on one machine must not meet.
NAME = f"obsctl-story-{os.getpid()}"

# A kind of the project's own: one file, and it is scraped, alerts, and has its dashboard.
GADGET = """\
title: Gadget
category: app
metrics_path: /metrics
metrics:
  process_open_fds: gauge
alerts:
  GadgetBusy:
    expr: process_open_fds{[[ selector ]]} > [[ threshold ]]
    tiers:
      warning: { threshold: 1, for: 1s }
    summary: A gadget holds many files open.
    description: '{{ $labels.instance }} holds {{ $value }} files open.'
    runbook:
      meaning: More than [[ thresholds ]] files are open.
      impact: None, this gadget is a test's.
      diagnosis:
        - { text: How many are open?, query: 'process_open_fds{[[ selector ]]}' }
      mitigation: [ Close some. ]
    tests:
      - fires: []
        series: { 'process_open_fds{[[ selector ]],instance="a"}': '1x[[ n ]]' }
      - fires: [warning]
        labels: { instance: a }
        series: { 'process_open_fds{[[ selector ]],instance="a"}': '2x[[ n ]]' }
panels:
  Files:
    - { title: Open files, expr: 'process_open_fds{[[ selector ]]}', unit: short }
"""

# The services whose targets the story judges, and the jobs of the stack itself.
JOBS = {"backend", "redis", "host", "gadget", "probe", "prometheus", "alertmanager"}


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    try:
        ensure_engine()
        ensure_images()
        ensure_tools()
    except KitUnavailable as reason:
        unavailable("engine", str(reason))
    return clean_environment(tool_environment())


@pytest.fixture(scope="module")
def watched() -> Iterator[tuple[Watched, int, int]]:
    app_port, redis_port = free_port(), free_port()
    services = start_watched(ensure_engine().docker_host, NAME, app_port, redis_port)
    yield services, app_port, redis_port
    services.remove()


def describe(project: ProjectUnderTest, app: int, redis: int, prometheus: str = "") -> None:
    services = f"""\
  backend: {{ kind: express, targets: ["localhost:{app}"] }}
  redis: {{ kind: redis, address: "localhost:{redis}" }}
  host: {{ kind: node }}
  gadget: {{ kind: gadget, targets: ["localhost:{app}"] }}"""
    more = f"""\
probes: [ "http://localhost:{app}/health" ]
alerts:
  RedisDown: {{ for: 1s }}"""
    project.write(services, prometheus, more)


@pytest.fixture(scope="module")
def project(
    environment: dict[str, str],
    watched: tuple[Watched, int, int],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ProjectUnderTest]:
    folder: Path = tmp_path_factory.mktemp("story")
    under_test = ProjectUnderTest(folder, NAME, stack_images(), environment)
    (folder / "catalog").mkdir()
    (folder / "catalog" / "gadget.yaml").write_text(GADGET)
    describe(under_test, watched[1], watched[2])
    yield under_test
    done = under_test.obsctl("down", "--volumes")
    assert done.code == 0, done.text


def up(project: ProjectUnderTest) -> None:
    done = project.obsctl("up")
    assert done.code == 0, done.text


def containers(watched: Watched, project: ProjectUnderTest) -> dict[str, str]:
    """Container id by service, of everything the project runs."""
    label = f"com.docker.compose.project={project.name}"
    found = watched.client.containers.list(filters={"label": label})
    return {c.labels["com.docker.compose.service"]: str(c.id) for c in found}


def test_first_up_scrapes_every_target(project: ProjectUnderTest) -> None:
    up(project)
    eventually(
        lambda: project.targets().keys() >= JOBS and set(project.targets().values()) == {"up"},
        "every target is up in Prometheus's own API",
    )
    check = project.obsctl("check", "--wait", "30")
    assert check.code == 0, check.text


def test_a_kind_of_the_project_s_own_fires(project: ProjectUnderTest) -> None:
    eventually(
        lambda: ("GadgetBusy", "gadget") in project.firing(),
        "the alert of the project's own kind is active in Alertmanager",
    )


def test_second_up_keeps_every_container(
    project: ProjectUnderTest, watched: tuple[Watched, int, int]
) -> None:
    before = containers(watched[0], project)
    up(project)
    assert containers(watched[0], project) == before


def test_stopped_redis_fires_and_resolves(
    project: ProjectUnderTest, watched: tuple[Watched, int, int]
) -> None:
    alert = ("RedisDown", "redis")
    watched[0].redis.stop(timeout=2)
    eventually(lambda: alert in project.firing(), "RedisDown is active in Alertmanager")
    check = project.obsctl("check")
    assert check.code == 1
    watched[0].redis.start()
    eventually(lambda: alert not in project.firing(), "RedisDown resolves")


def test_changed_retention_recreates_prometheus_alone_and_keeps_its_data(
    project: ProjectUnderTest, watched: tuple[Watched, int, int]
) -> None:
    before = containers(watched[0], project)
    query = 'min_over_time(timestamp(up{job="prometheus"})[1h:1s])'
    first = float(project.prometheus("query", query=query)["result"][0]["value"][1])
    describe(project, watched[1], watched[2], prometheus=", retention: 3d")
    up(project)
    after = containers(watched[0], project)
    assert {name for name in before if before[name] != after[name]} == {"prometheus"}
    flags = project.prometheus("status/flags")
    assert flags["storage.tsdb.retention.time"] == "3d"
    kept = float(project.prometheus("query", query=query)["result"][0]["value"][1])
    assert kept == pytest.approx(first, abs=2)


def test_changed_threshold_reloads_and_recreates_nothing(
    project: ProjectUnderTest, watched: tuple[Watched, int, int]
) -> None:
    before = containers(watched[0], project)
    file = project.folder / "obsctl.yaml"
    file.write_text(file.read_text().replace("RedisDown: { for: 1s }", "RedisDown: { for: 7s }"))
    up(project)
    assert containers(watched[0], project) == before
    rules = [rule for group in project.prometheus("rules")["groups"] for rule in group["rules"]]
    assert {rule["duration"] for rule in rules if rule["name"] == "RedisDown"} == {7}


def test_killed_container_is_repaired(
    project: ProjectUnderTest, watched: tuple[Watched, int, int]
) -> None:
    killed = containers(watched[0], project)["alertmanager"]
    watched[0].client.containers.get(killed).remove(force=True)
    up(project)
    assert containers(watched[0], project).keys() >= {"alertmanager"}
    eventually(lambda: project.targets()["alertmanager"] == "up", "Alertmanager is scraped again")


def test_taken_port_is_told_at_its_setting_before_anything_is_made(
    environment: dict[str, str], tmp_path: Path
) -> None:
    other = ProjectUnderTest(tmp_path, f"{NAME}-ports", stack_images(), environment)
    other.write("  host: { kind: node }")
    with socket.create_server(("127.0.0.1", other.ports["alertmanager"])):
        done = other.obsctl("up")
    lines = (tmp_path / "obsctl.yaml").read_text().splitlines()
    line = next(n for n, text in enumerate(lines, 1) if text.startswith("  alertmanager:"))
    column = lines[line - 1].index(str(other.ports["alertmanager"])) + 1
    assert done.code == 5
    assert f"obsctl.yaml:{line}:{column}: error: port 127.0.0.1:" in done.stderr
    assert "stack.alertmanager.port" in done.stderr
    assert other.compose("ps", "-a", "-q").stdout == ""


def test_compose_lists_and_takes_down_what_obsctl_made(project: ProjectUnderTest) -> None:
    listed = project.compose("ps", "--services")
    assert set(listed.stdout.split()) >= {"prometheus", "alertmanager", "redis-exporter"}
    done = project.compose("down")
    assert done.code == 0, done.text
    assert project.compose("ps", "-a", "-q").stdout == ""


def test_what_compose_made_is_accepted(
    project: ProjectUnderTest, watched: tuple[Watched, int, int]
) -> None:
    made = project.compose("up", "-d", "--wait")
    assert made.code == 0, made.text
    before = containers(watched[0], project)
    up(project)
    assert containers(watched[0], project) == before
    check = project.obsctl("check", "--wait", "30")
    assert check.code == 0, check.text
