"""A disk that is full, the Engine's or the project's: told before anything is changed."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from obsctl.engine.connection.host import free_bytes
from tests.engine.judging import judging
from tests.engine.proxy import proxied
from tests.engine.small_files import write_prometheus
from tests.engine.small_stack import Project

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")


@contextmanager
def tiny_disk(place: Path) -> Iterator[None]:
    place.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def test_free_bytes(tmp_path: Path) -> None:
    with tiny_disk(tmp_path / "disk"):
        assert free_bytes(tmp_path / "disk") == 65536
        (tmp_path / "disk" / "file").write_bytes(b"x" * 32768)
        assert free_bytes(tmp_path / "disk") == 32768
    assert free_bytes(tmp_path / "nowhere") is None


def test_a_full_disk_of_the_project(project: Project, short_path: Path) -> None:
    state = project.root / ".obsctl"
    with judging(project, short_path) as judge, tiny_disk(state):
        (state / "filler").write_bytes(b"x" * free(state))
        with proxied(short_path / "p", project.kit.docker_host) as proxy:
            done = project.up(docker_host=proxy.docker_host)
        judge.told(done, str(state), "free space on that disk", "no space left on device")
        assert proxy.calls == []


def free(place: Path) -> int:
    return free_bytes(place) or 0


def test_files_that_cannot_be_checked_are_not_loaded(running: Project, short_path: Path) -> None:
    staged = running.stack / "prometheus" / ".obsctl-staged"
    with judging(running, short_path) as judge:
        write_prometheus(running, interval="7s")
        # Where the copy to check should go, there is something that cannot be removed.
        with tiny_disk(staged):
            judge.told(running.up(), str(staged), "move what is there", "cannot be written")
        staged.rmdir()
        write_prometheus(running, interval="5s")
