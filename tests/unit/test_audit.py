"""`check --security` on what an Engine says of containers: each item, its cause, its exception."""

import copy
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from obsctl.cli.checking import Depth, refuse_with_security
from obsctl.conventions import LABEL_EXCEPTION
from obsctl.engine.desired.model import LABEL_WORKING_DIRECTORY
from obsctl.errors import EngineError, Problem, UsageError
from obsctl.health.asking.container_state import ContainerState
from obsctl.health.asking.context import Context
from obsctl.health.audit.hardening import ITEMS
from obsctl.health.audit.table import table
from obsctl.health.audit.verdicts import Audit, audit
from obsctl.health.session import context_of
from obsctl.health.telling.text import Style
from obsctl.stack.exceptions import exceptions
from obsctl.stack.model import HostMount, Service
from tests.engine.health_lab import bare_stack
from tests.unit.inspected_samples import PROMETHEUS

Json = dict[str, Any]


def mount(source: str, **more: object) -> list[Json]:
    entry: Json = {"Type": "bind", "Source": source, "Destination": "/x", "RW": False}
    return [entry | {"Propagation": "rprivate"} | more]


def changed(path: str, value: object) -> Json:
    """The sample with one key, such as `HostConfig.Memory`, of another value."""
    found = copy.deepcopy(PROMETHEUS)
    *parents, key = path.split(".")
    place = found
    for parent in parents:
        place = place[parent]
    place[key] = value
    return found


def bound(address: str, port: str) -> Json:
    return {"9090/tcp": [{"HostIp": address, "HostPort": port}]}


BREACHES: tuple[tuple[str, str, str, object], ...] = (
    ("privileged", "container-privileged", "HostConfig.Privileged", True),
    ("engine-socket", "engine-socket", "Mounts", mount("/var/run/docker.sock")),
    ("engine-socket", "engine-socket", "Mounts", mount("/run")),
    ("host-writes", "host-writes", "Mounts", mount("/etc/cron.d", RW=True)),
    ("host-mounts", "host-mounts", "Mounts", mount("/proc")),
    ("host-mounts", "host-mounts", "Mounts", mount("/")),
    ("environment", "secret-in-environment", "Config.Env", ["DB_PASSWORD=hunter2hunter2"]),
    ("environment", "secret-in-environment", "Config.Env", ["api.token=/not/mounted"]),
    ("all-addresses", "port-open-to-all", "HostConfig.PortBindings", bound("0.0.0.0", "9090")),  # noqa: S104 - what is refused
    ("all-addresses", "port-open-to-all", "HostConfig.PortBindings", bound("", "9090")),
    ("all-addresses", "port-open-to-all", "HostConfig.PortBindings", bound("::", "")),
    ("all-addresses", "port-open-to-all", "HostConfig.PublishAllPorts", True),
    ("low-port", "port-privileged", "HostConfig.PortBindings", bound("127.0.0.1", "80")),
    ("capabilities", "container-capabilities", "HostConfig.CapAdd", ["SYS_ADMIN"]),
    ("capabilities", "container-capabilities", "HostConfig.CapDrop", None),
    ("root-user", "container-root", "Config.User", ""),
    ("root-user", "container-root", "Config.User", "root:root"),
    ("root-user", "container-root", "Config.User", "0:0"),
    ("new-privileges", "container-new-privileges", "HostConfig.SecurityOpt", None),
    ("seccomp", "container-unconfined", "HostConfig.SecurityOpt",
     ["no-new-privileges:true", "seccomp:unconfined"]),
    ("apparmor", "container-unconfined", "HostConfig.SecurityOpt",
     ["no-new-privileges", "apparmor=unconfined"]),
    ("apparmor", "container-unconfined", "HostConfig.SecurityOpt",
     ["no-new-privileges", "label:disable"]),
    ("apparmor", "container-unconfined", "AppArmorProfile", "unconfined"),
    ("host-network", "host-namespace", "HostConfig.NetworkMode", "host"),
    ("host-pid", "host-namespace", "HostConfig.PidMode", "host"),
    ("host-ipc", "host-namespace", "HostConfig.IpcMode", "host"),
    ("host-uts", "host-namespace", "HostConfig.UTSMode", "host"),
    ("host-users", "host-namespace", "HostConfig.UsernsMode", "host"),
    ("devices", "container-devices", "HostConfig.Devices", [{"PathOnHost": "/dev/sda"}]),
    ("writable-root", "container-writable", "HostConfig.ReadonlyRootfs", False),
    ("propagation", "mount-propagation", "Mounts", mount("/srv", Propagation="rshared")),
    ("control-group", "container-control-group", "HostConfig.CgroupParent", "/own"),
    ("default-bridge", "container-default-bridge", "NetworkSettings.Networks", {"bridge": {}}),
    ("memory", "container-unlimited", "HostConfig.Memory", 0),
    ("cpu", "container-unlimited", "HostConfig.NanoCpus", 0),
    ("pids", "container-unlimited", "HostConfig.PidsLimit", None),
    ("restart", "container-restart-policy", "HostConfig.RestartPolicy", {"Name": "no"}),
    ("restart", "container-restart-policy", "HostConfig.RestartPolicy", {"Name": "always"}),
    ("image", "image-not-pinned", "Config.Image", "registry.example.com:5000/prometheus"),
    ("image", "image-not-pinned", "Config.Image", "prom/prometheus:latest"),
    ("log-size", "container-log-size", "HostConfig.LogConfig", {"Type": "journald"}),
    ("log-size", "container-log-size", "HostConfig.LogConfig",
     {"Type": "json-file", "Config": {"max-size": "10m"}}),
)  # fmt: skip


def state(found: Json, labels: Mapping[str, str] | None = None) -> ContainerState:
    return ContainerState(
        service="prometheus",
        name="shop-prometheus-1",
        status="running",
        health="healthy",
        restarts=0,
        oom_killed=False,
        exit_code=0,
        started_at=0.0,
        labels=labels or {},
        inspected=found,
    )


def context(folder: Path, *states: ContainerState, secrets: tuple[str, ...] = ()) -> Context:
    stack = replace(bare_stack("shop"), secrets=secrets)
    return replace(context_of(stack, (), folder), containers=lambda: states)


def failed(found: Audit) -> dict[str, str]:
    return {v.item.name: v.finding.code for v in found.verdicts if v.finding.state == "fail"}


def test_what_podman_does_not_tell_is_not_judged(tmp_path: Path) -> None:
    def judged(**host: object) -> Audit:
        found = copy.deepcopy(PROMETHEUS)
        found["HostConfig"] |= {"Runtime": "oci", "LogConfig": {"Type": "json-file"}} | host
        return audit(context(tmp_path, state(found)))

    def left(found: Audit) -> set[str]:
        return {one.item.name for one in found.not_judged}

    some = judged(CapDrop=["CAP_CHOWN", "CAP_KILL"], CapAdd=[])
    assert (failed(some), left(some)) == ({}, {"capabilities", "log-size"})
    text = table(some, Style(100))
    assert "0 unexplained, 0 explained, 2 not judged" in text
    assert "not judged: Podman's compatible API does not tell how large a log may grow" in text
    # Whatever its defaults are: nothing is left of the most that they can be.
    every = judged(
        CapDrop=[
            "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD",
            "NET_BIND_SERVICE", "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
        ]
    )  # fmt: skip
    assert left(every) == {"log-size"}
    assert set(failed(judged(CapDrop=[]))) == {"capabilities"}
    assert set(failed(judged(CapDrop=["CHOWN"], CapAdd=["SYS_ADMIN"]))) == {"capabilities"}


def test_a_container_of_the_stack_is_clean(tmp_path: Path) -> None:
    found = audit(context(tmp_path, state(PROMETHEUS)))
    assert failed(found) == {}
    assert found.report.exit_code == 0
    assert len(found.verdicts) == len(ITEMS) + 1
    (not_here,) = [one for one in found.report.findings if one.state == "skip"]
    assert "AppArmor" in not_here.claim


@pytest.mark.parametrize(("item", "code", "path", "value"), BREACHES)
def test_each_breach_is_named_and_passes_with_its_reason_only(
    tmp_path: Path, item: str, code: str, path: str, value: object
) -> None:
    sample = changed(path, value)
    found = audit(context(tmp_path, state(sample)))
    assert failed(found)[item] == code
    assert found.report.exit_code == 1
    assert "hunter2" not in table(found, Style(verbose=True)) + found.report.to_json()
    names = failed(found)
    silent = audit(context(tmp_path, state(sample, {f"{LABEL_EXCEPTION}{item}": " "})))
    assert failed(silent) == names
    told = audit(context(tmp_path, state(sample, {f"{LABEL_EXCEPTION}{item}": "for a test"})))
    assert failed(told) == {name: code for name, code in names.items() if name != item}
    assert [verdict.item.name for verdict in told.explained] == [item]


def test_every_item_is_broken_by_one_of_the_samples() -> None:
    assert {item.name for item in ITEMS} - {item for item, *_ in BREACHES} == {"health-check"}


def test_what_the_engine_adds_by_itself_is_no_breach_of_its_own(tmp_path: Path) -> None:
    sample = changed("HostConfig.PidMode", "host")
    sample["HostConfig"]["SecurityOpt"] = ["no-new-privileges:true", "label=disable"]
    assert failed(audit(context(tmp_path, state(sample)))) == {"host-pid": "host-namespace"}


def test_no_health_check(tmp_path: Path) -> None:
    sample = changed("Config.Healthcheck", None)
    del sample["State"]["Health"]
    assert failed(audit(context(tmp_path, state(sample)))) == {
        "health-check": "container-unwatched"
    }


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("Config.Env", ["A=x-canary-9-x"]),
        ("Config.Cmd", ["--password=canary-9"]),
        ("Args", ["canary-9"]),
        (
            "Config.Labels",
            {LABEL_WORKING_DIRECTORY: "/etc/shop/stack", "a": "http://u:canary-9@h/"},
        ),
    ],
)
def test_a_secret_s_value_is_found_and_not_told(tmp_path: Path, path: str, value: object) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "api").write_text("canary-9\n")
    found = audit(context(tmp_path, state(changed(path, value)), secrets=("api", "absent")))
    assert failed(found) == {"secret-shown": "secret-shown"}
    assert "secrets/api in" in found.report.to_json()
    assert "canary" not in found.report.to_json()


def test_the_table_is_worst_first_and_counts_what_passes(tmp_path: Path) -> None:
    worse = replace(state(changed("HostConfig.Privileged", True)), service="grafana")  # noqa: FBT003 - JSON
    labels = {f"{LABEL_EXCEPTION}host-pid": "it measures the host"}
    host = replace(state(changed("HostConfig.PidMode", "host"), labels), service="host-exporter")
    found = audit(context(tmp_path, host, worse, state(PROMETHEUS)))
    text = table(found, Style(columns=80))
    lines = text.splitlines()
    assert lines[0] == "FAIL  grafana runs privileged"
    rows = lines[next(i for i, line in enumerate(lines) if "explained  passed" in line) + 1 :]
    assert rows[0].split() == ["FAIL", "5.5", "is", "not", "privileged", "1", "0", "2"]
    assert rows[1].split()[:2] == ["ok", "5.16"]
    assert rows[1].split()[-3:] == ["0", "1", "2"]
    assert rows[2].strip() == ("host-exporter: PidMode is host; explained: it measures the host")
    assert max(map(len, lines)) <= 80
    assert lines[-1].startswith("1 unexplained, 1 explained (30 items on 3 containers")
    assert "prometheus" not in text
    assert "prometheus" in table(found, Style(verbose=True))


def test_nothing_to_look_at_is_a_failure(tmp_path: Path) -> None:
    def down() -> tuple[ContainerState, ...]:
        raise EngineError(Problem("cannot reach the Docker Engine"))

    found = audit(replace(context(tmp_path), containers=down))
    assert [one.code for one in found.report.findings] == ["engine-unreachable"]
    files = {"docker-compose.yml": "services: { grafana: {} }"}
    found = audit(replace(context(tmp_path), files=files))
    assert [one.code for one in found.report.findings] == ["stack-down"]
    assert json.loads(found.report.to_json())["findings"][0]["layer"] == "security"


def test_a_service_without_a_container_is_a_failure(tmp_path: Path) -> None:
    files = {"docker-compose.yml": "services: { grafana: {}, prometheus: {} }"}
    found = audit(replace(context(tmp_path, state(PROMETHEUS)), files=files))
    missing = [one.subject for one in found.report.findings if one.code == "container-missing"]
    assert missing == ["grafana"]


def test_it_goes_with_no_option_that_waits_or_sends() -> None:
    with pytest.raises(UsageError) as error:
        refuse_with_security(Depth(3, deep=True, receiver_sink=True), watch=True)
    assert len(error.value.problems) == 4
    refuse_with_security(Depth(), watch=False)


def test_exceptions_follow_from_settings_and_name_items() -> None:
    assert exceptions(Service("a", "a:1", "0", host_pid=True)) == {"health-check": (
        "its image has no program that could ask it; Prometheus does so with each scrape"
    )}  # fmt: skip
    mounts = (HostMount("/var/run/docker.sock", "/s"),)
    host = Service("a", "a:1", "0", host_pid=True, host_mounts=mounts, host_reason="r")
    once = Service("a", "a:1", "1", one_shot=True)
    given = {*exceptions(host), *exceptions(once)}
    assert given == {
        "health-check", "host-pid", "host-mounts", "engine-socket", "root-user", "restart",
    }  # fmt: skip
    assert given <= {item.name for item in ITEMS}
