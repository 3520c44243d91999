"""The compose file as the Engine's create bodies, and what is refused."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from obsctl.engine.desired.coming import Coming
from obsctl.engine.desired.hot_files import read_hot_files
from obsctl.engine.desired.load import load_desired
from obsctl.engine.desired.model import COMPLETED, STARTED, Dependency, HostPort
from obsctl.engine.desired.quantities import nanoseconds, size_bytes
from obsctl.errors import EngineError, ObsctlError, RenderError

Json = dict[str, Any]


def write(directory: Path, service: Json, **top: Json) -> Path:
    path = directory / "docker-compose.yml"
    document = {"name": "erp", "services": {"a": {"image": "a:1", **service}}, **top}
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return path


def body(directory: Path, service: Json, **top: Json) -> Json:
    return dict(load_desired(write(directory, service, **top), "erp").services["a"].body)


def test_dollars_and_environment(tmp_path: Path) -> None:
    made = body(tmp_path, {"environment": {"B": "x$$y", "A": "", "N": 1}, "command": ["$$x"]})
    assert made["Env"] == ["A=", "B=x$y", "N=1"]
    assert made["Cmd"] == ["$x"]


def test_healthcheck_and_times(tmp_path: Path) -> None:
    check = {"test": "true", "interval": "1m30s", "start_period": "500ms", "retries": 3}
    made = body(tmp_path, {"healthcheck": check, "stop_grace_period": "2m"})
    assert made["Healthcheck"] == {
        "Test": ["CMD-SHELL", "true"],
        "Interval": 90 * 10**9,
        "StartPeriod": 5 * 10**8,
        "Retries": 3,
    }
    assert made["StopTimeout"] == 120


def test_mounts(tmp_path: Path) -> None:
    bind = {"create_host_path": False}
    volumes = [
        {"type": "bind", "source": "./conf", "target": "/c", "read_only": True, "bind": bind},
        {"type": "volume", "source": "data", "target": "/d"},
    ]
    secrets = {"token": {"file": "../secrets/token"}}
    path = write(
        tmp_path, {"volumes": volumes, "secrets": ["token"]}, volumes={"data": {}}, secrets=secrets
    )
    service = load_desired(path, "erp").services["a"]
    host = service.body["HostConfig"]
    assert host["Binds"] == ["erp_data:/d:rw"]
    assert [(one["Source"], one["Target"]) for one in host["Mounts"]] == [
        (str(tmp_path / "conf"), "/c"),
        (str(tmp_path.parent / "secrets" / "token"), "/run/secrets/token"),
    ]
    assert [(source.path.name, source.secret) for source in service.sources] == [
        ("conf", None),
        ("token", "token"),
    ]


def test_ports_networks_labels_and_dependencies(tmp_path: Path) -> None:
    path = tmp_path / "docker-compose.yml"
    port = {"target": 9090, "published": "9091", "host_ip": "127.0.0.1", "protocol": "tcp"}
    services = {
        "a": {
            "image": "a:1",
            "ports": [port],
            "networks": ["net"],
            "depends_on": {"b": {"condition": COMPLETED}, "c": {"required": False}},
            "labels": {"dev.obsctl.spec-hash": "abc", "dev.obsctl.hot": "conf"},
        },
        "b": {"image": "b:1", "restart": "no", "networks": ["net"]},
        "c": {"image": "c:1"},
    }
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "x.yml").write_text("x")
    document = {"name": "erp", "services": services, "networks": {"net": {"name": "erp_net"}}}
    path.write_text(yaml.safe_dump(document))
    loaded = load_desired(path, "erp")
    service = loaded.services["a"]
    assert service.ports == (HostPort("127.0.0.1", 9091),)
    assert service.networks == ("erp_net",)
    assert service.depends_on == (
        Dependency("b", COMPLETED),
        Dependency("c", STARTED, required=False),
    )
    assert service.spec_hash == "abc"
    assert list(service.hot.digests) == ["conf/x.yml"]
    assert loaded.services["b"].one_shot
    labels = service.body["Labels"]
    assert labels["com.docker.compose.config-hash"] == "abc"
    assert labels["com.docker.compose.depends_on"] == f"b:{COMPLETED}:false,c:{STARTED}:false"
    assert labels["com.docker.compose.project.working_dir"] == str(tmp_path)
    assert sorted(loaded.networks) == ["erp_default", "erp_net"]


def test_texts_that_are_about_to_be_written_count(tmp_path: Path) -> None:
    path = write(tmp_path, {"labels": {"dev.obsctl.hot": "conf"}})
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "x.yml").write_text("old")
    before = load_desired(path, "erp").services["a"].hot
    texts = {"docker-compose.yml": path.read_text(), "conf/x.yml": "new"}
    (tmp_path / "conf" / "going.yml").write_text("old")
    (tmp_path / "conf" / ".x.yml.1.tmp").write_text("half")
    after = (
        load_desired(path, "erp", Coming(texts, frozenset({"conf/going.yml"}))).services["a"].hot
    )
    assert after.differences(before.digests) == ("conf/x.yml",)
    assert after.changed_at > before.changed_at


def test_every_problem_at_once_each_in_its_place(tmp_path: Path) -> None:
    service = {
        "build": ".",
        "volumes": ["./x:/y"],
        "mem_limit": "much",
        "depends_on": {"nobody": {}},
        "networks": ["nowhere"],
    }
    path = write(tmp_path, service, configs={"x": {}})
    with pytest.raises(RenderError) as caught:
        load_desired(path, "erp")
    found = {problem.message for problem in caught.value.problems}
    assert found == {
        "obsctl does not support `configs` in a compose file",
        "an entry of `volumes` of service `a` is not in the long syntax",
        "service `a` names no service: `nobody`",
        "service `a` names no network: `nowhere`",
    }
    assert all(problem.location for problem in caught.value.problems)
    path = write(tmp_path, {"build": ".", "mem_limit": "much"})
    with pytest.raises(RenderError) as caught:
        load_desired(path, "erp")
    assert [problem.message for problem in caught.value.problems] == [
        "obsctl does not support `build` of a compose service",
        "`mem_limit` of service `a`: `much` is no size such as `512m`",
    ]


def test_a_circle_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "docker-compose.yml"
    services = {
        "a": {"image": "a", "depends_on": ["b"]},
        "b": {"image": "b", "depends_on": ["a"]},
    }
    path.write_text(yaml.safe_dump({"name": "erp", "services": services}))
    with pytest.raises(RenderError, match="in a circle: a, b"):
        load_desired(path, "erp")


@pytest.mark.parametrize("text", ["", "x", "[]", "name: erp", "services: {}", "a: [", "\0"])
def test_what_is_no_compose_file_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "docker-compose.yml"
    path.write_text(text)
    with pytest.raises(ObsctlError):
        load_desired(path, "erp")


def test_a_missing_file_and_another_project_are_told(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match="does not exist"):
        load_desired(tmp_path / "docker-compose.yml", "erp")
    with pytest.raises(RenderError, match="is of project `erp`, not `shop`"):
        load_desired(write(tmp_path, {}), "shop")


@pytest.mark.parametrize(
    ("text", "value"), [("30s", 30), ("1m30s", 90), ("2h", 7200), ("1.5s", 1.5)]
)
def test_durations(text: str, value: float) -> None:
    assert nanoseconds(text) == value * 10**9


@pytest.mark.parametrize("text", ["", "30", "s", "30s ", "x30s", "1d", "-1s"])
def test_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        nanoseconds(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [(5, 5), ("512m", 2**29), ("1g", 2**30), ("1.5GB", 3 * 2**29), ("2 kib", 2048)],
)
def test_sizes(text: object, value: int) -> None:
    assert size_bytes(text) == value


@pytest.mark.parametrize("text", ["", "m", "much", True, None, "-1"])
def test_no_sizes(text: object) -> None:
    with pytest.raises(ValueError, match="is no size"):
        size_bytes(text)


def test_hot_files_that_lead_nowhere_are_none(tmp_path: Path) -> None:
    hot = tmp_path / "prometheus"
    hot.mkdir()
    (hot / "rules.yml").write_text("groups: []\n")
    (hot / "gone.yml").symlink_to(tmp_path / "nowhere")
    (hot / "loop.yml").symlink_to(hot / "loop.yml")
    with pytest.raises(EngineError, match="cannot be read: too many levels"):
        read_hot_files(tmp_path, ["prometheus"])
    (hot / "loop.yml").unlink()
    assert list(read_hot_files(tmp_path, ["prometheus", "absent"]).digests) == [
        "prometheus/rules.yml"
    ]
