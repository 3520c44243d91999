"""The password of web access changes in the real Prometheus and Alertmanager while they serve."""

from collections.abc import Iterator

import pytest

from tests.engine.full_lab import call
from tests.engine.project import ProjectUnderTest, clean_environment
from tests.kit.engine import ensure_engine
from tests.kit.host import KitUnavailable
from tests.kit.images import stack_images
from tests.kit.tools import ensure_tools, tool_environment
from tests.tiers import unavailable

NAME = "obsctl-webpass"


@pytest.fixture
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProjectUnderTest]:
    try:
        ensure_engine()
        images = stack_images()
        ensure_tools()
    except KitUnavailable as reason:
        unavailable("engine", str(reason))
    environment = clean_environment(tool_environment())
    project = ProjectUnderTest(tmp_path_factory.mktemp("web"), NAME, images, environment)
    project.write("  {}", stack="  without: [ elk, grafana ]\n  web: {}")
    try:
        up = project.obsctl("up")
        assert up.code == 0, up.text
        yield project
    finally:
        done = project.obsctl("down", "--volumes")
    assert done.code == 0, done.text


def test_the_new_password_opens_and_the_old_one_does_not(guarded: ProjectUnderTest) -> None:
    file = guarded.folder / "secrets" / "web_password"
    old = file.read_text()
    done = guarded.obsctl("secrets", "rotate", "--all")
    assert done.code == 0, done.text
    assert "web_password: rotated" in done.stdout
    new = file.read_text()
    for component in ("prometheus", "alertmanager"):
        url = f"http://127.0.0.1:{guarded.ports[component]}/-/ready"
        with pytest.raises(OSError, match="401"):
            call("GET", url, login=("admin", old))
        with pytest.raises(ValueError, match="Expecting value"):  # `Ready.` is no JSON
            call("GET", url, login=("admin", new))
    assert old not in done.text
    assert new not in done.text
    plan = guarded.obsctl("plan")
    assert "nothing to do" in plan.text, plan.text
