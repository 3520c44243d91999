"""A small stack of real components on the real Engine, of its own name, removed afterwards."""

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from obsctl.health.telling.text import told
from tests.engine.health_lab import WAIT_S, Lab, restore, running_lab
from tests.engine.small_files import write_stack
from tests.engine.small_stack import Kit, Project
from tests.engine.sweep import SWEEP
from tests.kit.engine import ensure_engine
from tests.kit.host import KitUnavailable
from tests.kit.images import ensure_images
from tests.kit.ports import free_ports
from tests.kit.tools import ensure_tools
from tests.tiers import unavailable

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def kit() -> Kit:
    try:
        images = ensure_images(["prometheus", "alertmanager", "redis"])
        return Kit(ensure_engine().docker_host, images, ensure_tools() / "docker-compose")
    except KitUnavailable as reason:
        unavailable("engine", str(reason))


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A directory whose path is short enough for a unix socket."""
    with tempfile.TemporaryDirectory(prefix="obs-", dir="/tmp") as directory:
        yield Path(directory)


@pytest.fixture
def project(kit: Kit, tmp_path: Path) -> Iterator[Project]:
    name = f"t{os.getpid()}x{next(_NUMBERS)}"
    ports = dict(zip(("prometheus", "alertmanager"), free_ports(2), strict=True))
    project = Project(kit, name, tmp_path / "project", ports)
    write_stack(project)
    try:
        yield project
    finally:
        project.destroy()
        shutil.rmtree(project.root, ignore_errors=True)


@pytest.fixture(scope="session")
def shared_stack(kit: Kit, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    ports = dict(zip(("prometheus", "alertmanager"), free_ports(2), strict=True))
    root = tmp_path_factory.mktemp("running") / "project"
    project = Project(kit, f"t{os.getpid()}x0", root, ports)
    write_stack(project)
    try:
        yield project
    finally:
        project.destroy()


@pytest.fixture
def running(shared_stack: Project) -> Project:
    """The small stack, up and as it was written first, whatever the test before did to it.

    Making everything anew takes longer than most tests; `project` does where that matters.
    """
    write_stack(shared_stack)
    done = shared_stack.up()
    assert done.code == 0, done
    return shared_stack


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Prometheus, Alertmanager and a Redis with its exporter, without obsctl's other stages."""
    try:
        with running_lab(tmp_path_factory.mktemp("lab")) as lab:
            yield lab
    except KitUnavailable as reason:
        unavailable("engine", str(reason))


@pytest.fixture
def healthy(lab: Lab) -> Iterator[Lab]:
    """The lab in its good state, and brought back to it afterwards."""
    report = lab.check(wait_s=WAIT_S)
    assert report.healthy, told(report)
    yield lab
    restore(lab)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = itertools.chain.from_iterable(terminalreporter.stats.values())
    properties = [dict(getattr(report, "user_properties", ())) for report in reports]
    found = "\n".join(str(one[SWEEP]) for one in properties if SWEEP in one)
    for figures in sorted(set(found.splitlines())):
        terminalreporter.write_line(f"sweep of {figures}")
