"""What was changed in one run goes back together, whatever was changed."""

from pathlib import Path

from tests.engine.small_files import put, write_prometheus
from tests.engine.small_stack import Project
from tests.engine.test_reload import interval
from tests.engine.test_up import assert_up_is_quiet, ids, up


def break_health(project: Project, service: str) -> None:
    check = project.document["services"][service]["healthcheck"]
    never = check | {"test": ["CMD", "false"], "start_period": "0s", "retries": 1}
    project.change(service, healthcheck=never)


def test_all_that_changed_in_one_run_goes_back(running: Project, short_path: Path) -> None:
    up(running)
    before, document = ids(running), running.compose_file.read_text()
    running.docker("exec", f"{running.name}-redis-1", "redis-cli", "set", "kept", "bytes")
    good = (running.stack / "prometheus" / "prometheus.yml").read_text()
    running.change("redis", mem_limit=536870912, memswap_limit=536870912)
    break_health(running, "alertmanager")
    write_prometheus(running, interval="7s")
    done = running.up()
    assert done.code == 5, done
    assert "`alertmanager` is unhealthy" in done.stderr
    assert "`redis`" in done.stderr
    assert ids(running) == before
    assert (running.stack / "prometheus" / "prometheus.yml").read_text() == good
    assert interval(running) == "5s"
    assert running.container("redis")["State"]["Status"] == "running"
    assert running.docker("exec", f"{running.name}-redis-1", "redis-cli", "get", "kept") == "bytes"
    running.compose_file.write_text(document)
    assert_up_is_quiet(running, short_path)


def test_the_old_container_gets_its_own_files_back(running: Project) -> None:
    """A new definition and new files that do not work: the old one must not start with those."""
    up(running)
    before = ids(running)
    path = running.stack / "alertmanager" / "alertmanager.yml"
    good = path.read_text()
    running.change("alertmanager", mem_limit=536870912, memswap_limit=536870912)
    put(path, "route: {receiver: nobody}\n")
    done = running.up()
    assert done.code == 5, done
    assert "nobody" in done.stderr
    assert path.read_text() == good
    assert ids(running) == before
    assert running.container("alertmanager")["State"]["Status"] == "running"
