"""What the machine around `up` can be like: read-only, slow, taken, or owned by somebody else."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.engine.proxy import Call, Faults, proxied
from tests.engine.small_stack import Project
from tests.engine.sweep import SWEEP, Record, Sweep, points
from tests.engine.test_faults import assert_converged, change, count_calls
from tests.engine.test_up import assert_up_is_quiet, up


@contextmanager
def read_only(place: Path) -> Iterator[None]:
    subprocess.run(["mount", "--bind", place, place], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", place], check=True)
        yield
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def test_a_read_only_project_folder(project: Project, short_path: Path) -> None:
    with read_only(project.root), proxied(short_path / "s", project.kit.docker_host) as proxy:
        done = project.up(docker_host=proxy.docker_host)
        assert proxy.calls == []
    assert done.code in {4, 5}, done
    assert "Traceback" not in done.stderr
    assert ".obsctl" in done.stderr
    assert "ead-only file system" in done.stderr
    up(project)


def test_an_address_range_that_is_taken(project: Project, short_path: Path) -> None:
    subnet = {"ipam": {"config": [{"subnet": "10.213.7.0/24"}]}}
    project.document["networks"]["observability"] |= subnet
    project.save()
    other = f"{project.name}-other"
    project.docker("network", "create", "--subnet", "10.213.0.0/16", other)
    try:
        done = project.up()
        assert done.code == 5, done
        assert f"network `{project.name}_observability`" in done.stderr
        assert "another network uses this address range" in done.stderr
        assert project.containers() == {}
    finally:
        project.docker("network", "rm", other)
    up(project)
    assert_up_is_quiet(project, short_path)


def test_a_volume_of_somebody_elses(project: Project, short_path: Path) -> None:
    """Prometheus cannot write to it: its own words say so, and nothing else is held up."""
    volume, image = f"{project.name}_prometheus", project.kit.images["redis"]
    label = f"com.docker.compose.project={project.name}"
    project.docker("volume", "create", "--label", label, volume)
    inside = ("run", "--rm", "-u", "0", "-v", f"{volume}:/v", image, "sh", "-c")
    project.docker(*inside, "echo kept > /v/kept; chown -R 0:0 /v; chmod 700 /v")
    done = project.up()
    assert done.code == 5, done
    assert "`prometheus`" in done.stderr
    assert "permission denied" in done.stderr
    assert "Traceback" not in done.stderr
    project.docker(*inside, "chown -R 65534:65534 /v")
    up(project)
    assert project.docker(*inside, "cat /v/kept") == "kept"
    assert_up_is_quiet(project, short_path)


def test_a_slow_engine_whose_event_stream_breaks(project: Project, short_path: Path) -> None:
    """Every change is answered late, and whoever follows the events is cut off each time."""
    streams = 0

    def late(_call: Call) -> None:
        nonlocal streams
        time.sleep(0.2)
        streams += proxy.cut_streams()

    with proxied(short_path / "s", project.kit.docker_host, Faults(before=late)) as proxy:
        done = project.up(docker_host=proxy.docker_host)
    assert done.code == 0, done
    assert streams > 0
    assert_converged(project)
    assert_up_is_quiet(project, short_path)


def test_a_lost_answer_at_each_call(
    running: Project, short_path: Path, record_property: Record
) -> None:
    """The Engine has done what it was asked to, and nobody heard of it."""
    up(running)
    change(running)
    figures = Sweep("answer lost, three replaced", count_calls(running, short_path))
    for number, _ in points(figures.calls, [None], some=2):
        change(running)

        def drop(call: Call, number: int = number) -> None:
            if call.number == number:
                raise OSError

        with proxied(short_path / "d", running.kit.docker_host, Faults(after=drop)) as proxy:
            done = running.up(docker_host=proxy.docker_host)
        with figures.point(number):
            assert done.code in {0, 5}, done
            assert "Traceback" not in done.stderr
            up(running)
            assert_converged(running)
    record_property(SWEEP, str(figures))
    assert figures.failures == []
    assert_up_is_quiet(running, short_path)
