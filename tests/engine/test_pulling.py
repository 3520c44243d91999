"""Images from a real registry: progress, other tries, plain refusals, a mirror, an interruption."""

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from obsctl.conventions import IMAGES
from obsctl.engine.applying.context import Context
from obsctl.engine.applying.good_files import GoodFiles
from obsctl.engine.applying.pulling import pull_image
from obsctl.engine.client import Engine
from obsctl.engine.run.events import Event, watching
from obsctl.engine.run.interrupt import Interrupt
from obsctl.engine.run.journal import Journal
from tests.engine.project import ProjectUnderTest, clean_environment
from tests.engine.relay import Relay, relayed, to_port
from tests.engine.small_stack import Kit, Project, finish
from tests.engine.test_up import assert_up_is_quiet, up
from tests.kit.host import KitUnavailable
from tests.kit.images import stack_images
from tests.kit.registry import Registry, registry
from tests.kit.tools import tool_environment
from tests.tiers import unavailable


@pytest.fixture(scope="module")
def store(kit: Kit, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    assert kit.docker_host
    try:
        with registry(tmp_path_factory.mktemp("registry") / "open") as running:
            yield running
    except KitUnavailable as reason:
        unavailable("engine", str(reason))


@pytest.fixture
def relay(store: Registry) -> Iterator[Relay]:
    with relayed(to_port(store.address)) as relay:
        yield relay


def only(project: Project, **images: str) -> None:
    """Leave one service per image, which does nothing but run."""
    kept = project.document["services"]["redis"]
    for key in ("command", "volumes", "healthcheck"):
        kept.pop(key)
    project.document["services"] = {
        name: {**kept, "image": image} for name, image in images.items()
    }
    project.document.pop("volumes")
    project.save()


def test_a_pull_is_tried_again_and_tells_its_layers(
    kit: Kit, store: Registry, relay: Relay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", kit.docker_host)
    name = store.push_small("layers:1")
    told: list[Event] = []
    # The Engine tries HTTPS and HTTP: two connections for each try of ours.
    relay.to_cut = 3
    engine = Engine.open()
    with watching(engine, "nobody") as watch:
        parts = (Journal(tmp_path), GoodFiles(tmp_path, tmp_path))
        context = Context(engine, watch, Interrupt(), *parts, told.append)
        pull_image(context, f"{relay.address}/{name}")
    store.forget(f"{relay.address}/{name}")
    assert relay.cut == 3
    states = [event.state for event in told]
    assert any(re.fullmatch(r"pulling again in 1 s after: .*EOF.*", one) for one in states), states
    assert re.fullmatch(r"pulling \d+ MiB of \d+ MiB, 3 of 3 layers", states[-1])
    details = {re.sub(r"^\w{12} |[\d.]+", "", line) for one in told for line in one.details}
    assert details & {"downloading  KiB of  MiB", "downloading  MiB of  MiB"}, details


def test_an_interrupted_pull_can_be_run_again(
    project: Project, store: Registry, relay: Relay, short_path: Path
) -> None:
    name = store.push_small("stalls:1")
    image = f"{relay.address}/{name}"
    only(project, web=image)
    relay.allowed = 2 << 20
    process = project.start_up()
    assert relay.stalled.wait(60)
    process.send_signal(signal.SIGINT)
    done = finish(process)
    assert done.code == 130, done
    assert "not begun: create web" in done.stderr
    assert f"{image}: pulling" in done.stderr
    assert project.containers() == {}
    relay.release()
    up(project)
    assert_up_is_quiet(project, short_path)
    project.destroy()
    store.forget(image)


def test_what_cannot_be_pulled_is_told_at_once_and_nothing_is_made(
    project: Project, store: Registry, relay: Relay, tmp_path: Path
) -> None:
    other = store.push_small("other:1", platform="linux/arm64")
    with registry(tmp_path / "closed", closed=True) as closed:
        relay.to_cut = 1000
        only(
            project,
            missing=f"{store.address}/{other}.2",
            platform=f"{store.address}/{other}",
            secret=f"{closed.address}/any:1",
            cut=f"{relay.address}/a:1",
            cut_too=f"{relay.address}/b:1",
        )
        done = project.up()
    assert done.code == 5, done
    for words in (
        f"error: image `{store.address}/other:1.2` is not in the registry `{store.address}`",
        f"error: image `{store.address}/other:1` is not made for this machine: no matching ",
        " manifest for linux/amd64, it is made for linux/arm64",
        f"error: no access to image `{closed.address}/any:1`: ",
        f"hint: log in with `docker login {closed.address}`",
        f"error: the registry `{relay.address}` cannot be reached: ",
        f"wanted from it: {relay.address}/a:1, {relay.address}/b:1",
    ):
        assert words in done.stderr, done
    assert done.stderr.count("error:") == 4
    shape = project.shape()
    assert shape == {"containers": {}, "networks": [], "volumes": []}


def test_all_images_come_from_the_mirror(kit: Kit, store: Registry, tmp_path: Path) -> None:
    environment = clean_environment(tool_environment()) | {"DOCKER_HOST": kit.docker_host}
    given = stack_images()
    wanted = {key: IMAGES[key] for key in ("prometheus", "alertmanager")}
    for key, name in wanted.items():
        store.push(given[key], f"mirror/{name}")
    mirror = {"registry": f"{store.address}/mirror"}
    project = ProjectUnderTest(tmp_path, "obsctl-mirror", mirror, environment)
    project.write('  backend: { kind: express, targets: ["localhost:3999"] }\n')
    try:
        done = project.obsctl("up")
        assert done.code == 0, done.text
        running = project.run("docker", "ps", "--format", "{{.Image}}", "--filter",
                              "label=com.docker.compose.project=obsctl-mirror")  # fmt: skip
        assert set(running.stdout.split()) == {
            f"{store.address}/mirror/{name}" for name in wanted.values()
        }
        quiet = project.obsctl("up")
        assert "nothing to do" in quiet.stderr, quiet.text
    finally:
        assert project.obsctl("down", "--volumes").code == 0
        store.forget(*(f"{store.address}/mirror/{name}" for name in wanted.values()))
