"""`up` on a real Engine with real components; judged by what runs and not by what is printed."""

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from tests.engine.proxy import proxied
from tests.engine.small_stack import Done, Json, Project, eventually, finish, write_prometheus


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
    assert "start prometheus" in done.stdout
    assert not (project.root / ".obsctl").exists()


def test_changed_command_recreates_only_that_service_and_keeps_data(project: Project) -> None:
    up(project)
    before = ids(project)
    redis = f"{project.name}-redis-1"
    project.docker("exec", redis, "redis-cli", "set", "kept", "bytes")
    project.docker("exec", redis, "redis-cli", "save")
    command = project.document["services"]["redis"]["command"]
    project.change("redis", command=[*command, "--maxclients", "100"])
    up(project)
    after = ids(project)
    assert {name for name in after if after[name] != before[name]} == {redis}
    assert project.docker("exec", redis, "redis-cli", "get", "kept") == "bytes"
    assert "maxclients" in project.docker("exec", redis, "redis-cli", "config", "get", "maxclients")
    assert after.keys() == before.keys()


def test_killed_removed_and_paused_containers_are_repaired(
    project: Project, short_path: Path
) -> None:
    up(project)
    project.docker("stop", f"{project.name}-prometheus-1")
    project.docker("rm", "-f", f"{project.name}-alertmanager-1")
    project.docker("pause", f"{project.name}-redis-1")
    up(project)
    for service in ("prometheus", "alertmanager", "redis"):
        assert project.container(service)["State"]["Status"] == "running"
    assert_up_is_quiet(project, short_path)


def test_taken_port_is_found_before_anything_is_made(project: Project, short_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", project.ports["prometheus"])),
        proxied(short_path / "s", project.kit.docker_host) as proxy,
    ):
        done = project.up(docker_host=proxy.docker_host)
        assert proxy.calls == []
    assert done.code == 5
    assert f"port 127.0.0.1:{project.ports['prometheus']} for `prometheus` is in use" in done.stderr
    assert "by process" in done.stderr
    assert project.containers() == {}


def test_all_obstacles_are_told_at_once_and_nothing_is_made(project: Project) -> None:
    (project.root / "secrets" / "token").unlink()
    project.document["services"]["redis"]["image"] = "registry.invalid/redis:1"
    project.document["services"]["alertmanager"]["volumes"][0]["source"] = "./nowhere"
    project.save()
    project.docker("volume", "create", f"{project.name}_redis")
    project.docker("network", "create", f"{project.name}_observability")
    try:
        done = project.up()
    finally:
        project.docker("volume", "rm", f"{project.name}_redis")
        project.docker("network", "rm", f"{project.name}_observability")
    assert done.code == 5
    for words in (
        "the secret `token` is missing",
        "image `registry.invalid/redis:1` is not here and cannot be pulled",
        "which does not exist",
        f"the volume `{project.name}_redis` exists and is not of this project",
        f"the network `{project.name}_observability` exists and is not of this project",
    ):
        assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert project.containers() == {}


def test_unhealthy_update_rolls_back_and_the_old_one_serves(
    project: Project, short_path: Path
) -> None:
    up(project)
    before = ids(project)
    good = dict(project.document["services"]["prometheus"])
    check = good["healthcheck"] | {"test": ["CMD", "false"], "start_period": "0s", "retries": 1}
    project.change("prometheus", healthcheck=check)
    done = project.up()
    assert done.code == 5
    assert "`prometheus` is unhealthy" in done.stderr
    assert "runs as before" in done.stderr
    assert ids(project) == before
    assert project.get("prometheus", "/api/v1/status/runtimeinfo")["status"] == "success"
    project.document["services"]["prometheus"] = good
    good["labels"]["dev.obsctl.spec-hash"] = "first"
    project.save()
    assert_up_is_quiet(project, short_path)


def test_crashing_update_rolls_back_with_its_last_words(project: Project) -> None:
    up(project)
    before = ids(project)
    command = project.document["services"]["alertmanager"]["command"]
    project.change("alertmanager", command=[*command, "--no-such-flag"])
    done = project.up()
    assert done.code == 5
    assert "no-such-flag" in done.stderr
    assert ids(project) == before
    assert project.container("alertmanager")["State"]["Status"] == "running"


def test_changed_file_is_reloaded_and_not_restarted(project: Project, short_path: Path) -> None:
    up(project)
    before = ids(project)
    write_prometheus(project, interval="7s")
    done = up(project)
    assert "reload prometheus" in done.stdout
    assert "prometheus/prometheus.yml changed" in done.stdout
    loaded = project.get("prometheus", "/api/v1/status/config")["data"]["yaml"]
    assert "scrape_interval: 7s" in loaded
    assert ids(project) == before
    assert_up_is_quiet(project, short_path)


def test_orphan_is_removed_and_foreign_is_not(project: Project) -> None:
    up(project)
    foreign = f"{project.name}-foreign"
    project.docker("create", "--name", foreign, project.kit.images["redis"])
    try:
        del project.document["services"]["alertmanager"]
        del project.document["services"]["prometheus"]["depends_on"]["alertmanager"]
        project.save()
        done = up(project)
        assert f"remove {project.name}-alertmanager-1" in done.stdout
        assert f"{project.name}-alertmanager-1" not in project.containers()
        assert project.docker("inspect", "--format", "{{.State.Status}}", foreign) == "created"
    finally:
        project.docker("rm", "-f", foreign)


def test_two_at_once(project: Project, short_path: Path) -> None:
    first, second = project.start_up(), project.start_up()
    assert finish(first).code == 0
    assert finish(second).code == 0
    assert len(project.containers()) == 4
    assert_up_is_quiet(project, short_path)


def test_second_at_once_is_refused_with_no_wait(project: Project) -> None:
    first = project.start_up()
    lock = project.root / ".obsctl" / "lock"
    eventually(lambda: lock.exists() and lock.read_text())
    second = project.up("--no-wait")
    assert second.code == 5
    assert f"process {first.pid} on" in second.stderr
    assert finish(first).code == 0


def test_sigint_says_what_stands_and_up_goes_on(project: Project, short_path: Path) -> None:
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        project.document["services"]["setup"]["command"] = ["sleep 30"]
        project.save()
        process = project.start_up()
        eventually(lambda: f"{project.name}-setup-1" in project.containers())
        eventually(lambda: project.container("setup")["State"]["Status"] == "running")
        process.send_signal(number)
        done = finish(process)
        assert done.code == code, done
        assert "`obsctl up` goes on from here" in done.stderr
        assert "start prometheus" in done.stderr
        project.docker("rm", "-f", f"{project.name}-setup-1")
    project.change("setup", command=["redis-cli -h redis set done yes"])
    up(project)
    assert_up_is_quiet(project, short_path)


def test_second_sigint_leaves_at_once(project: Project) -> None:
    project.document["services"]["setup"]["command"] = ["trap '' TERM; sleep 30"]
    project.save()
    up_process = project.start_up()
    eventually(lambda: f"{project.name}-setup-1" in project.containers())
    began = time.monotonic()
    up_process.send_signal(signal.SIGINT)
    up_process.send_signal(signal.SIGINT)
    assert finish(up_process).code == 130
    assert time.monotonic() - began < 3


def test_sigint_in_a_replacement_puts_the_old_one_back(project: Project) -> None:
    up(project)
    before = ids(project)
    project.change("prometheus", healthcheck={"test": ["CMD", "false"], "interval": "5s"})
    process = project.start_up()
    eventually(lambda: f"{project.name}-prometheus-1_previous" in project.containers())
    process.send_signal(signal.SIGINT)
    assert finish(process).code == 130
    assert ids(project) == before
    assert project.container("prometheus")["State"]["Status"] == "running"


def test_down_keeps_volumes_unless_asked(project: Project) -> None:
    up(project)
    done = project.run("down")
    assert done.code == 0, done
    shape = project.shape()
    assert (shape["containers"], shape["networks"]) == ({}, [])
    assert len(shape["volumes"]) == 2
    assert project.run("down", "--volumes").code == 0
    assert project.shape()["volumes"] == []


def test_out_of_memory_is_told_with_the_limit(project: Project) -> None:
    project.document["services"]["redis"] |= {
        "mem_limit": 8388608,
        "memswap_limit": 8388608,
        "restart": "unless-stopped",
        "entrypoint": ["python3", "-c"],
        "command": ["x = bytearray(10**9); import time; time.sleep(60)"],
        "read_only": False,
    }
    project.save()
    done = project.up()
    assert done.code == 5
    assert "killed for lack of memory (its limit is 8 MiB)" in done.stderr


def test_state_is_no_more_than_a_hint(project: Project, short_path: Path) -> None:
    up(project)
    state = project.root / ".obsctl" / "state.json"
    entry: Json = json.loads(state.read_text())
    assert set(entry["loaded"]) == {"redis", "setup", "alertmanager", "prometheus"}
    state.unlink()
    assert_up_is_quiet(project, short_path)
