"""The application's own Docker network: its containers are scraped by their names."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.project import ProjectUnderTest, clean_environment, eventually
from tests.engine.proxy import proxied
from tests.engine.small_stack import Kit
from tests.kit.images import stack_images
from tests.kit.tools import tool_environment

NETWORK = "obsctl-shop_default"
SERVICES = """\
  shop: { kind: go, targets: ["shop-app:9090"] }
  cache: { kind: redis, address: "shop-cache:6379" }
"""


@pytest.fixture
def environment(kit: Kit) -> dict[str, str]:
    return clean_environment(tool_environment()) | {"DOCKER_HOST": kit.docker_host}


@pytest.fixture
def project(environment: dict[str, str], tmp_path: Path) -> Iterator[ProjectUnderTest]:
    under_test = ProjectUnderTest(tmp_path, "obsctl-networks", stack_images(), environment)
    under_test.write(SERVICES)
    file = tmp_path / "obsctl.yaml"
    file.write_text(file.read_text().replace("stack:\n", f"stack:\n  networks: [{NETWORK}]\n"))
    yield under_test
    assert under_test.obsctl("down", "--volumes").code == 0


def docker(environment: dict[str, str], *words: str) -> None:
    subprocess.run(["docker", *words], env=environment, check=True, capture_output=True)


@pytest.fixture
def application(environment: dict[str, str], kit: Kit) -> Iterator[None]:
    """Nothing of it is published on the host: by name is the only way."""
    docker(environment, "network", "create", NETWORK)
    run = ("run", "--detach", "--network", NETWORK, "--name")
    try:
        docker(environment, *run, "shop-app", kit.images["prometheus"],
               "--config.file=/dev/null", "--storage.tsdb.path=/tmp/data")  # fmt: skip
        docker(environment, *run, "shop-cache", kit.images["redis"],
               "redis-server", "--protected-mode", "no")  # fmt: skip
        yield
    finally:
        for name in ("shop-app", "shop-cache"):
            subprocess.run(["docker", "rm", "-fv", name], env=environment, check=False,
                           capture_output=True)  # fmt: skip
        docker(environment, "network", "rm", NETWORK)


def test_a_network_that_does_not_exist_is_refused(
    project: ProjectUnderTest, kit: Kit, short_path: Path
) -> None:
    with proxied(short_path / "s", kit.docker_host) as proxy:
        done = project.obsctl("up", environment={"DOCKER_HOST": proxy.docker_host})
        assert proxy.calls == []
    assert done.code == 5
    assert f"the network `{NETWORK}` is the application's, and it does not exist" in done.text
    assert not (project.folder / "stack").exists()


@pytest.mark.usefixtures("application")
def test_containers_of_the_application_are_scraped_by_name(
    project: ProjectUnderTest, kit: Kit, short_path: Path
) -> None:
    done = project.obsctl("up")
    assert done.code == 0, done.text

    def redis_up() -> bool:
        found = project.prometheus("query", query="redis_up")["result"]
        return bool(found) and found[0]["value"][1] == "1"

    eventually(lambda: project.targets()["shop"] == "up", "the application is scraped by its name")
    eventually(redis_up, "its Redis is reached by its name")
    with proxied(short_path / "s", kit.docker_host) as proxy:
        assert project.obsctl("up", environment={"DOCKER_HOST": proxy.docker_host}).code == 0
        assert proxy.calls == []
    taken_over = project.compose("up", "-d")
    assert taken_over.code == 0, taken_over.text
    assert project.obsctl("down", "--volumes").code == 0
    docker(project.environment, "network", "inspect", NETWORK)
