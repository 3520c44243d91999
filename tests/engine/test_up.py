"""`up` on a real Engine with real components; judged by what runs and not by what is printed."""

import json
import subprocess
import sys
from pathlib import Path

from tests.engine.proxy import proxied
from tests.engine.small_files import write_prometheus
from tests.engine.small_stack import Done, Json, Project


def up(project: Project) -> Done:
    done = project.up()
    assert done.code == 0, done
    return done


def ids(project: Project) -> dict[str, str]:
    return {name: one["Id"] for name, one in project.containers().items()}


def assert_up_is_quiet(project: Project, directory: Path) -> None:
    """A further `up` makes no mutating call."""
    with proxied(directory / "s", project.kit.docker_host) as proxy:
        done = project.up(docker_host=proxy.docker_host)
        assert done.code == 0, done
        assert proxy.calls == []


def test_first_up_is_ready_and_second_changes_nothing(project: Project, short_path: Path) -> None:
    up(project)
    assert project.get("prometheus", "/api/v1/status/runtimeinfo")["status"] == "success"
    states = {name: one["State"] for name, one in project.containers().items()}
    setup = states.pop(f"{project.name}-setup-1")
    assert (setup["Status"], setup["ExitCode"]) == ("exited", 0)
    assert {state["Status"] for state in states.values()} == {"running"}
    assert_up_is_quiet(project, short_path)


def test_plan_reads_only(project: Project, short_path: Path) -> None:
    with proxied(short_path / "s", project.kit.docker_host) as proxy:
        done = subprocess.run(
            [sys.executable, "-m", "tests.engine.drive", "plan", str(project.root)],
            env={**project.kit.environment(), "DOCKER_HOST": proxy.docker_host},
            capture_output=True,
            text=True,
            check=True,
        )
        assert proxy.calls == []
    assert "create prometheus" in done.stdout
    assert not (project.root / ".obsctl").exists()


def test_changed_command_recreates_only_that_service_and_keeps_data(running: Project) -> None:
    up(running)
    before = ids(running)
    redis = f"{running.name}-redis-1"
    running.docker("exec", redis, "redis-cli", "set", "kept", "bytes")
    running.docker("exec", redis, "redis-cli", "save")
    command = running.document["services"]["redis"]["command"]
    running.change("redis", command=[*command, "--maxclients", "100"])
    up(running)
    after = ids(running)
    assert {name for name in after if after[name] != before[name]} == {redis}
    assert running.docker("exec", redis, "redis-cli", "get", "kept") == "bytes"
    assert "maxclients" in running.docker("exec", redis, "redis-cli", "config", "get", "maxclients")
    assert after.keys() == before.keys()


def test_killed_removed_and_paused_containers_are_repaired(
    running: Project, short_path: Path
) -> None:
    up(running)
    running.docker("stop", f"{running.name}-redis-1")
    running.docker("rm", "-f", f"{running.name}-alertmanager-1")
    running.docker("pause", f"{running.name}-prometheus-1")  # and the port that it holds
    up(running)
    for service in ("prometheus", "alertmanager", "redis"):
        assert running.container(service)["State"]["Status"] == "running"
    assert_up_is_quiet(running, short_path)


def test_changed_file_is_reloaded_and_not_restarted(running: Project, short_path: Path) -> None:
    up(running)
    before = ids(running)
    write_prometheus(running, interval="7s")
    done = up(running)
    assert "reload prometheus" in done.stdout
    assert "prometheus/prometheus.yml changed" in done.stdout
    loaded = running.get("prometheus", "/api/v1/status/config")["data"]["yaml"]
    assert "scrape_interval: 7s" in loaded
    assert ids(running) == before
    assert_up_is_quiet(running, short_path)


def test_orphan_is_removed_and_foreign_is_not(running: Project) -> None:
    up(running)
    foreign = f"{running.name}-foreign"
    running.docker("create", "--name", foreign, running.kit.images["redis"])
    try:
        del running.document["services"]["alertmanager"]
        del running.document["services"]["prometheus"]["depends_on"]["alertmanager"]
        running.save()
        done = up(running)
        assert f"remove {running.name}-alertmanager-1" in done.stdout
        assert f"{running.name}-alertmanager-1" not in running.containers()
        assert running.docker("inspect", "--format", "{{.State.Status}}", foreign) == "created"
    finally:
        running.docker("rm", "-f", foreign)


def test_down_keeps_volumes_unless_asked(project: Project) -> None:
    up(project)
    done = project.run("down")
    assert done.code == 0, done
    shape = project.shape()
    assert (shape["containers"], shape["networks"]) == ({}, [])
    assert len(shape["volumes"]) == 2
    assert project.run("down", "--volumes").code == 0
    assert project.shape()["volumes"] == []


def test_state_is_no_more_than_a_hint(project: Project, short_path: Path) -> None:
    up(project)
    state = project.root / ".obsctl" / "state.json"
    entry: Json = json.loads(state.read_text())
    assert set(entry["loaded"]) == {"redis", "setup", "alertmanager", "prometheus"}
    state.unlink()
    assert_up_is_quiet(project, short_path)
