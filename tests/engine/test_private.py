"""Engines of the test's own: an old one, and one that is killed or stopped under an `up`."""

import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.engine.proxy import Call, Faults, proxied
from tests.engine.small_files import write_stack
from tests.engine.small_stack import Done, Kit, Project
from tests.engine.test_faults import assert_converged
from tests.engine.test_up import assert_up_is_quiet, ids, up
from tests.kit.dockerd import Kind
from tests.kit.engine import PrivateEngine, private_engine
from tests.kit.host import KitUnavailable
from tests.kit.images import load_into
from tests.kit.ports import free_ports
from tests.tiers import unavailable

IMAGES = ("prometheus", "alertmanager", "redis")


@contextmanager
def engine_and_project(
    kind: Kind, folder: Path, kit: Kit
) -> Iterator[tuple[PrivateEngine, Project]]:
    try:
        with private_engine(kind) as engine:
            images = load_into(engine.docker_host, IMAGES)
            own = Kit(engine.docker_host, images, kit.compose, tuple(engine.enter))
            ports = dict(zip(("prometheus", "alertmanager"), free_ports(2), strict=True))
            project = Project(own, f"p{os.getpid()}", folder, ports)
            write_stack(project)
            yield engine, project
    except KitUnavailable as reason:
        unavailable("engine", str(reason))


def test_the_oldest_engine(kit: Kit, tmp_path: Path, short_path: Path) -> None:
    """API 1.41: one network at creation only, and network names that may be ambiguous."""
    with engine_and_project("old", tmp_path / "p", kit) as (engine, project):
        assert engine.version.startswith("20.10")
        up(project)
        before = ids(project)
        assert len(before) == 4
        assert_up_is_quiet(project, short_path)
        project.change("redis", mem_limit=536870912, memswap_limit=536870912)
        up(project)
        assert_converged(project)
        after = ids(project)
        assert {name for name in after if after[name] != before[name]} == {
            f"{project.name}-redis-1"
        }
        assert project.run("down", "--volumes").code == 0
        assert project.shape() == {"containers": {}, "networks": [], "volumes": []}


@pytest.fixture(scope="module")
def own(
    kit: Kit, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[PrivateEngine, Project]]:
    with engine_and_project("new", tmp_path_factory.mktemp("own") / "p", kit) as pair:
        yield pair


def up_without_an_end(engine: PrivateEngine, project: Project, way: str, place: Path) -> Done:
    """An `up` whose Engine is killed, stopped or paused at the fifth call."""
    end: Callable[[], None] = getattr(engine, way)
    ended = threading.Event()

    def at(call: Call) -> None:
        if call.number == 5:
            end()
            ended.set()

    with proxied(place / "p", engine.docker_host, Faults(before=at)) as proxy:
        done = project.up(docker_host=proxy.docker_host)
    # It may be told before it has ended: its last seconds are no use to anybody.
    assert ended.wait(60)
    return done


@pytest.mark.parametrize(
    ("fresh", "way"),
    [(True, "kill"), (True, "stop"), (False, "kill"), (False, "stop"), (False, "pause")],
)
def test_the_engine_goes_away_in_the_middle(
    own: tuple[PrivateEngine, Project], short_path: Path, way: str, *, fresh: bool
) -> None:
    engine, project = own
    redis = ("exec", f"{project.name}-redis-1", "redis-cli")
    if fresh:
        assert project.run("down", "--volumes").code == 0
    else:
        up(project)
        project.docker(*redis, "set", "kept", "bytes")
        project.docker(*redis, "save")
        for service in ("redis", "prometheus"):
            memory = 536870912 + 268435456 - project.document["services"][service]["mem_limit"]
            project.change(service, mem_limit=memory, memswap_limit=memory)
    done = up_without_an_end(engine, project, way, short_path)
    assert done.code == 5, done
    assert "Traceback" not in done.stderr
    assert re.search("^error: .*Docker Engine", done.stderr, re.MULTILINE), done
    assert "hint: " in done.stderr, done
    if way == "pause":
        told = re.findall(r"hangs: no answer within (\d+) s; asked to", done.stderr)
        assert told, done
        assert max(map(int, told)) <= 10
        engine.resume()
    else:
        engine.start()
    up(project)
    assert_converged(project)
    found = project.shape()
    assert found["networks"] == [f"{project.name}_observability"]
    assert found["volumes"] == [f"{project.name}_prometheus", f"{project.name}_redis"]
    if not fresh:
        assert project.docker(*redis, "get", "kept") == "bytes"
    assert_up_is_quiet(project, short_path)
