"""What the machine around `up` can be like: read-only, slow, taken, or owned by somebody else."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.engine.judging import judging
from tests.engine.proxy import Call, Faults, proxied
from tests.engine.small_stack import Project
from tests.engine.test_faults import assert_converged
from tests.engine.test_up import assert_up_is_quiet


@contextmanager
def read_only(place: Path) -> Iterator[None]:
    subprocess.run(["mount", "--bind", place, place], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", place], check=True)
        yield
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def test_a_read_only_project_folder(project: Project, short_path: Path) -> None:
    with judging(project, short_path) as judge, read_only(project.root):
        with proxied(short_path / "p", project.kit.docker_host) as proxy:
            done = project.up(docker_host=proxy.docker_host)
        assert proxy.calls == []
        place = str(project.root / ".obsctl")
        judge.told(done, place, "make that file system writable", "read-only file system")


def test_an_address_range_that_is_taken(project: Project, short_path: Path) -> None:
    subnet = {"ipam": {"config": [{"subnet": "10.213.7.0/24"}]}}
    project.document["networks"]["observability"] |= subnet
    project.save()
    other = f"{project.name}-other"
    with judging(project, short_path) as judge:
        project.docker("network", "create", "--subnet", "10.213.0.0/16", other)
        try:
            network = f"network `{project.name}_observability`"
            judge.told(project.up(), network, "another network uses this address range")
            assert project.containers() == {}
        finally:
            project.docker("network", "rm", other)


def test_a_volume_of_somebody_elses(project: Project, short_path: Path) -> None:
    """Prometheus cannot write to it: its own words say so, and nothing else is held up."""
    volume, image = f"{project.name}_prometheus", project.kit.images["redis"]
    label = f"com.docker.compose.project={project.name}"
    project.docker("volume", "create", "--label", label, volume)
    inside = ("run", "--rm", "-u", "0", "-v", f"{volume}:/v", image, "sh", "-c")
    project.docker(*inside, "echo kept > /v/kept; chown -R 0:0 /v; chmod 700 /v")
    with judging(project, short_path) as judge:
        judge.told(project.up(), "`prometheus`", "`obsctl logs prometheus`", "permission denied")
        project.docker(*inside, "chown -R 65534:65534 /v")
    assert project.docker(*inside, "cat /v/kept") == "kept"


def test_a_slow_engine_whose_event_stream_breaks(project: Project, short_path: Path) -> None:
    """Every change is answered late, and whoever follows the events is cut off each time.

    The first change waits until obsctl has asked whether the Engine lives.
    """
    streams = 0
    pinged = threading.Event()

    def late(_call: Call) -> None:
        nonlocal streams
        pinged.wait(60)
        streams += proxy.cut_streams()

    def reading(path: str) -> None:
        if path == "/_ping":
            pinged.set()

    faults = Faults(before=late, reading=reading)
    with proxied(short_path / "s", project.kit.docker_host, faults) as proxy:
        done = project.up(docker_host=proxy.docker_host)
    assert pinged.is_set()
    assert done.code == 0, done
    assert streams > 0
    assert_converged(project)
    assert_up_is_quiet(project, short_path)
