"""A disk that is full, the Engine's or the project's: told before anything is changed."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from obsctl.engine.host import free_bytes
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
    with tiny_disk(state):
        (state / "filler").write_bytes(b"x" * free(state))
        with proxied(short_path / "s", project.kit.docker_host) as proxy:
            done = project.up(docker_host=proxy.docker_host)
        assert done.code == 5, done
        assert "no space left on device" in done.stderr
        assert ".obsctl" in done.stderr
        assert "Traceback" not in done.stderr
        assert proxy.calls == []
    assert project.up().code == 0


def free(place: Path) -> int:
    return free_bytes(place) or 0


def test_files_that_cannot_be_checked_are_not_loaded(project: Project) -> None:
    assert project.up().code == 0
    good = project.stack / "prometheus" / "prometheus.yml"
    kept = shutil.copy(good, project.root / "kept.yml")
    write_prometheus(project, interval="7s")
    # Where the copy to check should go, there is something that cannot be removed.
    with tiny_disk(project.stack / "prometheus" / ".obsctl-staged"):
        done = project.up()
    assert done.code == 5, done
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    shutil.copy(kept, good)
