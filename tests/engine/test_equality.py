"""A container made by obsctl equals the one that docker compose makes from the same file."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.engine.project import ProjectUnderTest, clean_environment
from tests.engine.small_stack import Json, Kit, Project
from tests.engine.test_up import assert_up_is_quiet, ids, up
from tests.kit.images import stack_images
from tests.kit.ports import free_ports
from tests.kit.tools import tool_environment

SEED: Final = Path(__file__).parents[1] / "golden" / "seed" / "obsctl.yaml"
_COMPONENTS: Final = (
    "prometheus", "alertmanager", "grafana", "elasticsearch", "kibana", "logstash"
)  # fmt: skip

# Ids, times and addresses; names of the Engine's own files.
_OF_THE_INSTANCE = frozenset(
    {"Id", "Created", "State", "ResolvConfPath", "HostnamePath", "HostsPath", "LogPath"}
    | {"GraphDriver", "Hostname", "SandboxID", "SandboxKey", "EndpointID", "NetworkID"}
    | {"MacAddress", "IPAddress", "DNSNames", "Gateway", "ExecIDs"}
)
# By design: the hash of obsctl's own, and who made it.
_ANONYMOUS = re.compile("[0-9a-f]{64}")
_OF_THE_MAKER = frozenset({"com.docker.compose.config-hash", "com.docker.compose.version"})


def comparable(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        ignored = _OF_THE_INSTANCE | _OF_THE_MAKER
        return {key: comparable(item) for key, item in value.items() if key not in ignored}
    if isinstance(value, list):
        # Lists that the Engine makes from Go maps come in any order.
        return sorted((comparable(item) for item in value), key=repr)
    return value


def normal(container: Json) -> Json:
    for mount in container["Mounts"]:
        if _ANONYMOUS.fullmatch(mount.get("Name", "")):
            mount["Name"] = mount["Source"] = "anonymous"
    found: Json = comparable(container)
    labels = found["Config"]["Labels"]
    key = "com.docker.compose.depends_on"
    labels[key] = sorted(labels[key].split(","))
    return found


def test_every_attribute_is_equal(running: Project) -> None:
    up(running)
    ours = {name: normal(one) for name, one in running.containers().items()}
    assert running.run("down", "--volumes").code == 0
    done = running.compose("up", "-d", "--wait")
    # `--wait` counts the ended one-shot as a failure in some versions; the state is what counts.
    theirs = {name: normal(one) for name, one in running.containers().items()}
    assert differences(ours, theirs) == [], done


@pytest.fixture
def seed(kit: Kit, tmp_path: Path) -> Iterator[ProjectUnderTest]:
    """The golden `seed` project, with the kit's images and ports of its own."""
    environment = clean_environment(tool_environment()) | {"DOCKER_HOST": kit.docker_host}
    name = f"seed{os.getpid()}"
    *ports, tcp, beats, gelf = free_ports(len(_COMPONENTS) + 3)
    settings = {key: {"port": port} for key, port in zip(_COMPONENTS, ports, strict=True)}
    inputs = f"tcp: {{ port: {tcp} }}, beats: {{ port: {beats} }}, gelf: {{ port: {gelf} }}"
    text = SEED.read_text().replace("project: alawael-erp", f"project: {name}")
    text = text.replace("tcp: { port: 5000 }, beats: {}, gelf: {}", inputs)
    # Any image with a busybox does: what it is copied for has the same libraries.
    images = {**stack_images(), "busybox": kit.images["redis"]}
    stack = yaml.safe_dump({"stack": {**settings, "images": images}})
    (tmp_path / "obsctl.yaml").write_text(f"{text}\n{stack}")
    (tmp_path / "secrets").mkdir(mode=0o700)
    for secret in set(re.findall(r"secret: (\w+)", text)):
        (tmp_path / "secrets" / secret).write_text("https://key@hooks.example.com/1")
    project = ProjectUnderTest(tmp_path, name, images, environment)
    yield project
    assert project.obsctl("down", "--volumes").code == 0


def test_every_attribute_of_the_seed_project_is_equal(seed: ProjectUnderTest, kit: Kit) -> None:
    """All components, exporters and set-ups: every form that a rendered service takes."""
    done = seed.obsctl("up")
    assert done.code == 0, done.text
    view = Project(kit, seed.name, seed.folder, {})
    ours = {name: normal(one) for name, one in view.containers().items()}
    assert seed.obsctl("down", "--volumes").code == 0
    done = seed.compose("up", "-d")
    assert done.code == 0, done.text
    theirs = {name: normal(one) for name, one in view.containers().items()}
    assert len(ours) >= 14
    assert differences(ours, theirs) == []


def differences(ours: Json, theirs: Json) -> list[tuple[str, str, Any, Any]]:
    assert ours.keys() == theirs.keys()
    return [
        (name, section, value, theirs[name][section])
        for name, container in ours.items()
        for section, value in container.items()
        if value != theirs[name][section]
    ]


def test_up_after_compose_up_changes_nothing(project: Project, short_path: Path) -> None:
    project.compose("up", "-d")
    before = ids(project)
    assert len(before) == 4
    up(project)
    assert ids(project) == before
    assert_up_is_quiet(project, short_path)


def test_compose_lists_and_takes_down_what_up_made(running: Project) -> None:
    up(running)
    listed = running.compose("ps", "--all", "--format", "{{.Service}}")
    assert sorted(listed.stdout.split()) == ["alertmanager", "prometheus", "redis", "setup"]
    assert "ready" in running.compose("logs", "redis").stdout.lower()
    assert running.compose("down", "-v").code == 0
    assert running.shape() == {"containers": {}, "networks": [], "volumes": []}


def test_compose_up_after_up_keeps_names_and_data(running: Project, short_path: Path) -> None:
    up(running)
    running.docker("exec", f"{running.name}-redis-1", "redis-cli", "set", "kept", "bytes")
    names = ids(running).keys()
    done = running.compose("up", "-d")
    assert done.code == 0, done
    assert ids(running).keys() == names
    assert running.docker("exec", f"{running.name}-redis-1", "redis-cli", "get", "kept") == "bytes"
    up(running)
    assert_up_is_quiet(running, short_path)


@pytest.mark.parametrize("key", ["build", "profiles", "deploy"])
def test_unsupported_key_is_an_error_and_not_ignored(project: Project, key: str) -> None:
    project.document["services"]["redis"][key] = {"x": 1}
    project.save()
    done = project.up()
    assert done.code == 4
    assert f"obsctl does not support `{key}` of a compose service" in done.stderr
    assert "docker-compose.yml:" in done.stderr
