"""Secrets on a running stack: they arrive exactly, show nowhere, and change without harm.

Real here: the Engine, Prometheus, Alertmanager; PostgreSQL, MariaDB and Redis with their
exporters. Stand-ins: Grafana, Elasticsearch, Logstash, Kibana, and MongoDB with its exporter.
One stack for all; each test leaves it well.
"""

import json
import os
import secrets as random
import signal
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container

from obsctl.health.findings.causes import load_causes
from tests.engine.full_lab import Hook, call, hook
from tests.engine.project import OBSCTL, ProjectUnderTest, clean_environment, eventually
from tests.engine.secrets_lab import ODD, SecretsLab, listed, new_ports, sampled
from tests.kit.engine import ensure_engine
from tests.kit.host import KitUnavailable
from tests.kit.images import ensure_images, stack_images
from tests.kit.shop import Mongod
from tests.kit.tools import ensure_tools, tool_environment
from tests.kit.watched import start_watched
from tests.tiers import unavailable

NAME = f"obsctl-secrets-{os.getpid()}"
DRIVE = Path(__file__).with_name("rotate_drive.py")
Databases = tuple[Container, Container]  # PostgreSQL and MariaDB
BROKEN = """\
patches:
  docker-compose.yml: { services: { db-exporter: { command: [ --no-such-flag ] } } }
"""
KEPT = {"grafana_secret_key", "shop_sentry_dsn"}
# One that its component changes, and one that is in force with a restart and is gone with another.
HOT = ("grafana_admin_password", "kibana_encryption_key")


def odd() -> str:
    return random.token_hex(8) + ODD


def start_databases(client: docker.DockerClient, ports: dict[str, int], bridge: str) -> Databases:
    both = f"127.0.0.1,{bridge}"
    commands = {
        "postgres": ["-p", str(ports["postgres"]), "-c", f"listen_addresses={both}"],
        "mariadb": [f"--port={ports['mariadb']}", f"--bind-address={both}"],
    }
    images = ensure_images(commands)
    started = []
    for name, command in commands.items():
        own = f"{NAME}-{name}"
        for old in client.containers.list(all=True, filters={"name": f"^/{own}$"}):
            old.remove(force=True, v=True)
        started.append(
            client.containers.run(images[name], command, name=own, network_mode="host", detach=True)
        )
    return started[0], started[1]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecretsLab]:
    """Everything but the stack itself, and every secret with an awkward value."""
    try:
        engine = ensure_engine().docker_host
        images = stack_images("bugsink", "mysqld-exporter", "postgres-exporter")
        # Any image with a busybox does: what it is copied for has the same libraries.
        images["busybox"] = ensure_images(["redis"])["redis"]
        ensure_tools()
        ports = new_ports()
        watched = start_watched(engine, NAME, ports["app"], ports["redis"])
        bridge = watched.client.networks.get("bridge").attrs["IPAM"]["Config"][0]["Gateway"]
        databases = start_databases(watched.client, ports, bridge)
    except KitUnavailable as reason:
        unavailable("engine", str(reason))
    folder = tmp_path_factory.mktemp("secrets")
    project = ProjectUnderTest(folder, NAME, images, clean_environment(tool_environment()))
    with hook(bridge) as port:
        url = f"http://host.docker.internal:{port}/canary/{random.token_hex(8)}?t=$HOME&q='x'"
        mongod = Mongod(bridge, ports["mongod"])
        lab = SecretsLab(project, watched, *databases, ports, url)
        prepare(lab)
        try:
            yield lab
        finally:
            done = project.obsctl("down", "--volumes")
            mongod.stop()
            for database in databases:
                database.remove(force=True, v=True)
            watched.remove()
    assert done.code == 0, done.text


def prepare(lab: SecretsLab) -> None:
    lab.describe()
    give_new(lab, None)
    lab.give("hook_url", lab.hook)
    made = lab.obsctl("init", "--secrets-only")
    assert made.code == 0, made.text
    for name in ("elastic_password", "logstash_writer_password", "es_exporter_password",
                 "bugsink_admin_password", "web_password"):  # fmt: skip
        rewrite(lab.secrets / name, odd())
    rewrite(lab.secrets / "bugsink_secret_key", odd() + odd())
    rewrite(lab.secrets / "kibana_system_password", odd().replace("${", "$"))
    # Grafana expands variables in what it reads; a `$` is refused, all else arrives.
    for name in ("grafana_admin_password", "grafana_reader_password"):
        rewrite(lab.secrets / name, odd().replace("$", ""))


def give_new(lab: SecretsLab, old_redis: str | None) -> None:
    """New passwords in the databases and in the sources, as their owner would set them."""
    redis, postgres, mysql = odd(), odd(), odd()
    lab.set_redis(old_redis, redis)
    lab.set_postgres(postgres)
    lab.set_mysql(mysql)
    lab.give("redis_password", redis)
    lab.give("postgres_password", postgres)
    lab.give("mysql_password", mysql)
    lab.give("mongodb_password", odd())


def rewrite(path: Path, value: str) -> None:
    path.unlink(missing_ok=True)
    path.write_text(value)
    path.chmod(0o444)


def fails(lab: SecretsLab, *arguments: str) -> str:
    done = lab.obsctl(*arguments)
    assert done.code != 0, done.text
    return done.text


def stays_well(lab: SecretsLab) -> None:
    """Nothing is pending, every container runs, and every credential is accepted."""
    checked = lab.obsctl("check", "--wait=60")
    assert checked.code == 0, checked.text
    is_settled(lab)


def is_settled(lab: SecretsLab) -> None:
    """Nothing is pending, and what runs is what is wanted."""
    assert not [name for name in lab.states() if name.endswith((".next", ".previous", ".retired"))]
    plan = lab.obsctl("plan")
    assert "nothing to do" in plan.text, plan.text


def test_an_up_puts_no_value_in_arguments_environments_or_anywhere_else(lab: SecretsLab) -> None:
    commands = (["validate"], ["render"], ["render", "--check"], ["plan"])
    rendered = []
    hidden = lab.secrets.rename(lab.secrets.with_name("elsewhere"))
    for command in commands:
        assert lab.project.obsctl(*command).code == 0
        rendered.append(tree(lab))
    hidden.rename(lab.secrets)
    assert lab.obsctl("render", "--check").code == 0
    with sampled() as seen:
        up = lab.obsctl("up")
    assert up.code == 0, up.text
    lab.connector = lab.connect()
    assert tree(lab) == rendered[-1]  # byte for byte, with and without secrets
    assert len(seen) > 100
    assert lab.leaks(seen) == []


def tree(lab: SecretsLab) -> dict[str, bytes]:
    root = lab.project.folder / "stack"
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def shows(container: Container, path: str, value: str) -> bool:
    # A busy Engine may lose what a command printed that ended at once.
    return bool(container.exec_run(["cat", path]).output == value.encode())


def test_values_arrive_as_they_are(lab: SecretsLab) -> None:
    delivered = 0
    for one in lab.containers():
        for mount in one.attrs["HostConfig"].get("Mounts") or ():
            if mount["Target"].startswith("/run/secrets/") and one.status == "running":
                name = mount["Target"].rpartition("/")[2]
                eventually(partial(shows, one, mount["Target"], lab.value(name)), name)
                delivered += 1
    assert delivered >= 10
    # And the components work with them: logins, exporters, and the webhook's URL.
    stays_well(lab)
    # Not Prometheus's own first alert: it sends that again a minute later where it came too early.
    alert = {"labels": {"alertname": "Watchdog", "lab": "hook"}}
    login = ("operator", lab.value("web_password"))
    call("POST", f"http://127.0.0.1:{lab.ports['alertmanager']}/api/v2/alerts", [alert], login)
    eventually(lambda: any(b'"hook"' in body for body in Hook.bodies), "the webhook is called")


def test_list_tells_all_but_the_values(lab: SecretsLab) -> None:
    shown = lab.obsctl("secrets", "list")
    assert shown.code == 0, shown.text
    rows = listed(shown.stdout)
    files = {path.name for path in lab.secrets.iterdir() if "." not in path.name}
    assert rows.keys() == files
    assert " ".join(rows["shop_sentry_dsn"][-6:]) == "made by Bugsink shop (the app)"
    assert rows["redis_password"][-3:] == ["env", "LAB_REDIS", "cache-exporter"]
    assert {"grafana,", "elasticsearch-setup"} <= {*rows["grafana_reader_password"]}
    assert lab.leaks() == []


def test_all_are_rotated_and_the_old_ones_refused(lab: SecretsLab) -> None:
    before = {name: lab.value(name) for name in listed(lab.obsctl("secrets", "list").stdout)}
    give_new(lab, before["redis_password"])
    lab.give("hook_url", lab.hook.replace("canary", "canary2"))
    assert lab.uses(lab.connector)
    with sampled() as seen:
        done = lab.obsctl("secrets", "rotate", "--all")
    assert done.code == 0, done.text
    assert {n for n, old in before.items() if lab.value(n) == old} == KEPT
    assert {line.partition(":")[0] for line in done.stdout.splitlines() if "left" in line} == KEPT
    old = ("elastic", before["elastic_password"])
    with pytest.raises(OSError, match="401"):
        call("GET", f"http://127.0.0.1:{lab.ports['elasticsearch']}/", login=old)
    old = ("admin", before["grafana_admin_password"])
    with pytest.raises(OSError, match="401"):
        call("GET", f"http://127.0.0.1:{lab.ports['grafana']}/api/org", login=old)
    # What Kibana has encrypted is readable, and not with the old key.
    assert lab.uses(lab.connector)
    assert before["kibana_encryption_key"] not in lab.value("kibana.keys.yml")
    stays_well(lab)
    # The databases' clients get statements as arguments: that is this test, not obsctl.
    clients = ("b'psql", "b'mariadb\\\\x00")
    assert [leak for leak in lab.leaks(seen) if not any(one in leak for one in clients)] == []


@pytest.mark.parametrize("name", HOT)
def test_a_rotation_that_is_killed_anywhere_is_ended_by_the_next_command(
    lab: SecretsLab, name: str
) -> None:
    for step in range(1, 20):
        before = lab.states()
        command = (sys.executable, str(DRIVE), str(step), "secrets", "rotate", name)
        code = lab.start(*command).wait(120)
        lab.remember()
        if code == 0:
            break
        assert code == -signal.SIGKILL
        resume = ("up",) if step % 3 else ("secrets", "rotate", name)
        done = lab.obsctl(*resume)
        assert done.code == 0, f"killed at step {step}: {done.text}"
        assert lab.value(name) != before[name].decode() or resume == ("up",)
        assert lab.uses(lab.connector), f"killed at step {step}"
    assert 3 < step < 19
    is_settled(lab)


def test_a_value_that_does_not_work_is_put_back(lab: SecretsLab) -> None:
    good = lab.value("redis_password")
    lab.give("redis_password", odd())
    told = fails(lab, "secrets", "rotate", "redis_password")
    assert "the exporter of `cache` does not reach it" in told
    assert "the old value of `redis_password` is in force again" in told
    assert lab.value("redis_password") == good
    lab.give("redis_password", good)
    is_settled(lab)


def test_up_takes_a_new_value_of_a_source_into_the_account(lab: SecretsLab) -> None:
    lab.describe("  grafana_admin_password: { env: LAB_GRAFANA }")
    new = odd().replace("$", "")
    with_new = {"LAB_GRAFANA": new}
    done = lab.obsctl("up", environment=with_new)
    assert done.code == 0, done.text
    assert lab.value("grafana_admin_password") == new
    call("GET", f"http://127.0.0.1:{lab.ports['grafana']}/api/org", login=("admin", new))
    lab.describe()
    assert lab.obsctl("up").code == 0
    is_settled(lab)


def test_a_key_without_a_way_to_another_one_is_kept_and_the_price_told(lab: SecretsLab) -> None:
    before = lab.states()
    lab.describe("  grafana_secret_key: { env: LAB_KEY }")
    key = odd().replace("$", "")
    refused = lab.obsctl("up", environment={"LAB_KEY": key})
    assert refused.code == 3, refused.text
    assert "`grafana_secret_key`: its value is not the key that Grafana has" in refused.text
    told = fails(lab, "secrets", "rotate", "grafana_secret_key")
    assert key not in refused.text + told
    assert lab.states() == before
    # What it tells to do is all that there is to do.
    commands = told.partition("`docker rm")[2].partition("`")[0]
    path = f"{Path(OBSCTL).parent}:{lab.project.environment['PATH']}"
    given = {"PATH": path, "LAB_KEY": key} | lab.sources
    done = lab.project.run("sh", "-c", f"docker rm{commands}", environment=given)
    assert done.code == 0, done.text
    assert lab.value("grafana_secret_key") == key
    stays_well(lab)
    lab.describe()
    is_settled(lab)


def test_lost_files_lock_nobody_out(lab: SecretsLab) -> None:
    keys = ("grafana_secret_key", "kibana_encryption_key")
    accounts = ("elastic_password", "grafana_admin_password")
    before = {name: lab.value(name) for name in (*keys, *accounts)}
    for name in before:
        (lab.secrets / name).unlink()
    left = lab.states()
    planned = lab.obsctl("plan").stderr
    told = fails(lab, "up", "--debug", "--new-secret", "grafana_secret_key")
    assert all(f"`secrets/{name}` is gone" in text for name in before for text in (planned, told))
    assert lab.states() == left
    path = f"{Path(OBSCTL).parent}:{lab.project.environment['PATH']}"
    for name in keys:  # as it tells to do
        command = told.partition(f"docker exec {NAME}-")[2].partition("`")[0]
        told = told.partition(command)[2]
        done = lab.project.run("sh", "-c", f"docker exec {NAME}-{command}",
                               environment={"PATH": path})  # fmt: skip
        assert done.code == 0, done.text
        assert lab.value(name) == before[name]
    up = lab.obsctl("up", *(f"--new-secret={name}" for name in accounts))
    assert up.code == 0, up.text
    assert all(lab.value(name) != before[name] for name in accounts)
    assert lab.uses(lab.connector)
    stays_well(lab)
    assert "is there" in fails(lab, "up", "--new-secret=elastic_password")


def test_a_component_that_is_down_is_a_plain_refusal(lab: SecretsLab) -> None:
    before = lab.states()
    lab.container("grafana").stop(timeout=2)
    told = fails(lab, "secrets", "rotate", "grafana_admin_password", "--debug")
    assert "run `obsctl up` first; nothing was changed" in told
    assert "Traceback" not in told
    assert lab.states() == before
    assert lab.obsctl("up").code == 0
    is_settled(lab)


def test_a_password_that_somebody_changed_is_named(lab: SecretsLab) -> None:
    right = lab.value("grafana_admin_password")
    wrong = odd().replace("$", "")
    url = f"http://127.0.0.1:{lab.ports['grafana']}/api/user/password"
    for old, new in ((right, wrong), (wrong, right)):
        body = {"oldPassword": old, "newPassword": new, "confirmNew": new}
        call("PUT", url, body, ("admin", old))
        if new == wrong:
            assert "secrets/grafana_admin_password" in fails(lab, "check")
            told = fails(lab, "secrets", "rotate", "grafana_admin_password")
            assert "does not accept the password" in told
            assert "reset-admin-password" in told
    # One that another may set is simply set again.
    url = f"http://127.0.0.1:{lab.ports['elasticsearch']}/_security/user/es_exporter/_password"
    login = ("elastic", lab.value("elastic_password"))
    call("POST", url, {"password": odd()}, login)
    assert "secrets/es_exporter_password" in fails(lab, "check")
    done = lab.obsctl("secrets", "rotate", "es_exporter_password")
    assert done.code == 0, done.text
    is_settled(lab)


@pytest.mark.parametrize(
    ("value", "words"),
    [("changeme", "everybody knows"), ("k3y", "shorter than 8"), ("two\nlines-1", "several lines")],
)
def test_a_bad_value_is_refused_at_its_place(lab: SecretsLab, value: str, words: str) -> None:
    good = lab.source("hook_url").read_text()
    before = lab.states()
    lines = (lab.project.folder / "obsctl.yaml").read_text().splitlines()
    # Where its value comes from, not where it is used.
    line = next(n for n, text in enumerate(lines, 1) if text.startswith("  hook_url:"))
    lab.give("hook_url", value)
    told = fails(lab, "up", "--debug")
    lab.give("hook_url", good)
    assert words in told
    assert f"obsctl.yaml:{line}:" in told
    assert "hook_url" in told
    assert value not in told
    assert lab.states() == before


def test_check_tells_what_git_has_and_would_take(lab: SecretsLab) -> None:
    git = ("git", "-C", str(lab.project.folder))
    assert lab.project.run(*git, "add", "-f", "secrets/hook_url").code == 0
    told = fails(lab, "check", "-v")
    assert "git tracks secrets/hook_url" in told
    assert "git rm --cached secrets/hook_url" in told
    assert lab.project.run(*git, "rm", "-q", "--cached", "secrets/hook_url").code == 0
    ignoring = (lab.secrets / ".gitignore", lab.project.folder / ".gitignore")
    texts = [path.read_text() for path in ignoring]
    for path in ignoring:
        path.unlink()
    told = fails(lab, "check")
    assert load_causes()["secret-not-ignored"].title in told
    for path, text in zip(ignoring, texts, strict=True):
        path.write_text(text)
    is_settled(lab)


def test_nothing_of_all_this_shows_anywhere(lab: SecretsLab) -> None:
    value = lab.source("hook_url")
    # Failed ups: a weak value, a source that talks and fails, a component that does not start.
    rewrite(lab.secrets / "logstash_writer_password", "x")
    fails(lab, "up", "--debug")
    lab.seen["logstash_writer_password"].discard(b"x")
    (lab.secrets / "logstash_writer_password").unlink()
    talks = json.dumps(["sh", "-c", f"cat {value}; cat {value} >&2; exit 3"])
    lab.describe(f"  web_password: {{ exec: {talks} }}")
    assert "exit code 3" in fails(lab, "up", "--debug")
    lab.describe(more=BROKEN)
    with sampled() as seen:
        assert "`db-exporter`" in fails(lab, "up", "--debug")
    lab.describe()
    for words in ("up --debug", "logs", "plan --debug", "status", "check --deep -v --debug",
                  "check --security -v", "check --json", "render --check", "secrets list",
                  "secrets rotate nothing --debug", "secrets rotate web_password --stdin --debug",
                  "alert test --severity=warning --debug"):  # fmt: skip
        lab.obsctl(*words.split())
    stays_well(lab)
    assert sum(map(len, lab.seen.values())) > 12
    assert lab.leaks(seen) == []
    # And the search does find: here what a JSON document would have of a password.
    lab.told.append(json.dumps({"error": f"bad login {lab.value('web_password')}"}))
    assert lab.leaks() == ["web_password in what obsctl printed"]
