"""What stands in the way is told before anything is changed: all of it, in one report."""

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.engine.proxy import Faults, proxied
from tests.engine.small_stack import Done, Project, finish
from tests.engine.test_disk import tiny_disk
from tests.engine.test_unreachable import listening

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")


def refused(project: Project, short_path: Path, faults: Faults | None = None) -> Done:
    """An `up` that changes nothing: no call that could, and nothing new afterwards."""
    before = project.shape()
    with proxied(short_path / "p", project.kit.docker_host, faults) as proxy:
        done = project.up(docker_host=proxy.docker_host)
        assert proxy.calls == []
    assert done.code == 5, done
    assert "Traceback" not in done.stderr
    assert project.shape() == before
    return done


def telling(place: str, **words: str) -> Faults:
    """The Engine's own answer at one place, but for some of its words.

    Its answer to a ping is without the header that names the version.
    """

    def told(path: str, body: bytes) -> bytes | None:
        if path == "/_ping":
            return body
        return json.dumps(json.loads(body) | words).encode() if path == place else None

    return Faults(told=told)


@contextmanager
def somebody_elses(project: Project) -> Iterator[None]:
    """A container, a network and a volume that have our names and are not ours.

    And a container that was made of the same files under another name.
    """
    names = {
        "container": f"{project.name}-redis-1",
        "network": f"{project.name}_observability",
        "volume": f"{project.name}_redis",
    }
    with ExitStack() as stack:
        for kind, name in names.items():
            stack.callback(project.docker, kind, "rm", name)
            arguments = ("--name", name, project.kit.images["redis"])
            project.docker(kind, "create", *(arguments if kind == "container" else (name,)))
        labels = {"project": "before", "project.working_dir": str(project.stack)}
        given = [f"--label=com.docker.compose.{key}={value}" for key, value in labels.items()]
        before = project.docker("container", "create", *given, project.kit.images["redis"])
        stack.callback(project.docker, "container", "rm", before)
        yield


@contextmanager
def made_for_another(project: Project) -> Iterator[str]:
    """An image that is here and does not run here."""
    name = f"{project.name}/elasticsearch/elasticsearch:9.0.0"
    empty = project.root / "empty.tar"
    subprocess.run(["tar", "-cf", empty, "-T", "/dev/null"], check=True)
    project.docker("import", "--platform", "linux/s390x", str(empty), name)
    try:
        yield name
    finally:
        project.docker("rmi", name)


def with_low_map_count(project: Project) -> Project:
    """The same project, run where the kernel says something else of itself."""
    low = project.root / "max_map_count"
    low.write_text("65530\n")
    script = f'mount --bind {low} /proc/sys/vm/max_map_count && exec "$@"'
    enter = ("unshare", "--mount", "sh", "-c", script, "sh")
    return replace(project, kit=replace(project.kit, enter=enter))


def test_everything_at_once(project: Project, short_path: Path, tmp_path: Path) -> None:
    services = project.document["services"]
    (project.root / "secrets" / "token").unlink()
    services["setup"]["image"] = "registry.invalid/redis:1"
    services["alertmanager"]["volumes"][0]["source"] = "./nowhere"
    services["redis"] |= {"mem_limit": 2**50, "memswap_limit": 2**50}
    port = project.ports["prometheus"]
    full = tmp_path / "disk"

    with (
        somebody_elses(project),
        made_for_another(project) as image,
        tiny_disk(full),
        socket.create_server(("127.0.0.1", port)),
    ):
        services["alertmanager"]["image"] = image
        project.save()
        done = refused(
            with_low_map_count(project), short_path, telling("/info", DockerRootDir=str(full))
        )
    expected = (
        f"this directory still runs as project `before`, and is to be `{project.name}` now",
        f"the container name `{project.name}-redis-1` is taken by a container that is not of this",
        f"the network `{project.name}_observability` exists and is not of this project",
        f"the volume `{project.name}_redis` exists and is not of this project",
        "the secret `token` is missing",
        "service `alertmanager` mounts",
        f"port 127.0.0.1:{port} for `prometheus` is in use by process",
        "the services may use 1048576.",
        "the Engine's disk has 0 MiB left",
        "the registry `registry.invalid` cannot be reached, its name does not resolve",
        f"image `{image}` is here, and made for linux/s390x: the Engine runs linux/",
    )
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    for words in expected:
        assert sum(words in line for line in errors) == 1, (words, done)
    assert len(errors) == len(expected), done
    assert sum(line.startswith("hint: ") for line in done.stderr.splitlines()) == len(expected)
    assert "vm.max_map_count is 65530, Elasticsearch wants 262144 or more: `sysctl" in done.stderr


def test_no_engine_that_could_be_asked(project: Project, short_path: Path) -> None:
    """These are told alone: there is nobody to ask about the rest."""

    with listening(short_path / "hangs", None):
        hanging = project.start_up(docker_host=f"unix://{short_path}/hangs")
        done = project.up(docker_host=f"unix://{short_path}/none")
        assert done.code == 5, done
        assert "the Docker Engine is not running at" in done.stderr
        old = refused(project, short_path, telling("/version", ApiVersion="1.39"))
        assert "is too old: it has API 1.39, obsctl needs API 1.40" in old.stderr
        done = finish(hanging)
    assert done.code == 5, done
    assert "hangs: no answer within 10 s" in done.stderr
    assert "hint: look at its log" in done.stderr


def test_no_permission(project: Project, short_path: Path) -> None:
    """Somebody who may read everything here, but write to the Engine's socket."""
    for place in (project.root, *project.root.rglob("*")):
        os.chown(place, 65534, 65534)
    reads = "+dac_read_search"
    user = ("setpriv", "--reuid=65534", "--clear-groups", f"--inh-caps={reads}")
    enter = (*user, f"--ambient-caps={reads}", "--")
    done = refused(replace(project, kit=replace(project.kit, enter=enter)), short_path)
    assert "no permission to use the Docker Engine at" in done.stderr
    assert "hint: add yourself to the group `docker`" in done.stderr


def test_another_checkout_leaves_what_runs_alone(
    running: Project, short_path: Path, tmp_path: Path
) -> None:
    """It has the same project file, and its own directory: neither its files nor its data run."""
    for directory in ("stack", "secrets"):
        shutil.copytree(running.root / directory, tmp_path / directory)
    elsewhere = replace(running, root=tmp_path)
    done = refused(elsewhere, short_path)
    words = f"project `{running.name}` is run from `{running.stack}` already"
    assert words in done.stderr, done
    before = running.shape()
    done = elsewhere.run("down", "--volumes")
    assert done.code == 5, done
    assert f"error: {words}\nhint: give one of the two another" in done.stderr, done
    assert running.shape() == before


def test_an_application_of_the_same_name_is_left_alone(project: Project, tmp_path: Path) -> None:
    """Compose calls a project after its directory, and obsctl's file may lie in the same one."""
    image = project.kit.images["redis"]
    file = tmp_path / "compose.yaml"
    file.write_text(f"name: {project.name}\nservices: {{ db: {{ image: '{image}' }} }}\n")
    command = [str(project.kit.compose), "-f", str(file), "up", "-d"]
    subprocess.run(command, env=project.kit.environment(), check=True)
    before = project.shape()
    for _ in range(2):
        for done in (project.up(), project.run("down", "--volumes")):
            assert done.code == 5, done
            assert f"project `{project.name}` is run from `{tmp_path}` already" in done.stderr, done
        file.unlink(missing_ok=True)  # as if it were on another machine than obsctl
    assert project.shape() == before
