"""A change that data has no way back from: the volume is copied before, and put back after.

The tags say that Prometheus changes from 3.x to 2.54; the content is the same, for only the tags
are judged, and what an old version does to the data is done by a script.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.breaking import KILLS, Breaker, count_calls
from tests.engine.small_stack import Project
from tests.engine.sweep import SWEEP, Record, Sweep, points
from tests.engine.test_faults import assert_converged
from tests.engine.test_up import assert_up_is_quiet, ids, up

SPOIL = "rm -rf /prometheus/*; echo bad > /prometheus/.spoilt; touch /prometheus/done; sleep 60"


@pytest.fixture
def old_image(project: Project) -> Iterator[str]:
    old = f"{project.name}/prometheus:2.54.0"
    project.docker("tag", project.document["services"]["prometheus"]["image"], old)
    yield old
    project.docker("rm", "-f", f"{project.name}-prometheus-1")
    project.docker("rmi", old)


@pytest.fixture
def kept(project: Project) -> Project:
    """The small stack, up, with data to lose."""
    up(project)
    for text in ("one > /prometheus/kept", "two > /prometheus/.hidden"):
        project.docker(
            "exec",
            f"{project.name}-prometheus-1",
            "sh",
            "-c",
            f"echo {text}; chmod 640 /prometheus/kept",
        )
    return project


def data(project: Project, volume: str) -> str:
    """What is in a volume: names, modes, owners, content."""
    image = project.kit.images["redis"]
    script = "cd /v && stat -c '%n %a %u' kept .hidden && cat kept .hidden && ls -A"
    return project.docker(
        "run", "--rm", "-u", "0", "-v", f"{volume}:/v:ro", image, "sh", "-c", script
    )


def saved(project: Project) -> list[str]:
    own = ("--filter", f"label=dev.obsctl.snapshot-of={project.name}_prometheus", "--format")
    return project.docker("volume", "ls", *own, "{{.Name}}").split()


def assert_whole(project: Project, volume: str) -> None:
    found = data(project, volume)
    assert "kept 640 65534" in found
    assert "one\ntwo" in found
    assert "wal" in found
    assert "spoilt" not in found


def assert_nothing_left(project: Project) -> None:
    suffixes = ("_next", "_previous", "_copying")
    assert not [name for name in project.containers() if name.endswith(suffixes)]


def test_the_volume_is_saved_before_and_kept(
    kept: Project, old_image: str, short_path: Path
) -> None:
    image = kept.document["services"]["prometheus"]["image"]
    kept.change("prometheus", image=old_image)
    planned = kept.run("plan").stdout
    assert "older than 2.55 it cannot read the data of Prometheus 3" in planned
    assert f"saves volume {kept.name}_prometheus before" in planned
    assert saved(kept) == []
    done = up(kept)
    assert f"saving volume {kept.name}_prometheus as" in done.stderr
    (first,) = saved(kept)
    assert_whole(kept, first)
    assert_whole(kept, f"{kept.name}_prometheus")
    assert_nothing_left(kept)
    assert_up_is_quiet(kept, short_path)
    # And back, and down again: the newest two stay.
    for reference in (image, old_image):
        kept.change("prometheus", image=reference)
        up(kept)
    assert len(saved(kept)) == 2
    assert first not in saved(kept)
    assert kept.run("down", "--volumes").code == 0
    assert saved(kept) == []


def test_the_data_are_put_back_with_the_old_container(
    kept: Project, old_image: str, short_path: Path
) -> None:
    before, document = ids(kept), kept.compose_file.read_text()
    never = {"test": ["CMD", "test", "-e", "/nowhere"], "interval": "1s", "retries": 2}
    kept.change(
        "prometheus",
        image=old_image,
        entrypoint=["/bin/sh", "-c"],
        command=[SPOIL],
        healthcheck=never,
    )
    done = kept.up()
    assert done.code == 5, done
    assert "putting the data of volume" in done.stderr
    assert "runs as before: the old container was put back" in done.stderr
    assert ids(kept) == before
    assert_whole(kept, f"{kept.name}_prometheus")
    assert kept.get("prometheus", "/api/v1/status/runtimeinfo")["status"] == "success"
    assert saved(kept) == []
    assert_nothing_left(kept)
    kept.compose_file.write_text(document)
    assert_up_is_quiet(kept, short_path)


def test_accepted_is_not_saved(kept: Project, old_image: str) -> None:
    kept.change("prometheus", image=old_image)
    assert kept.up("--accept-data-risk=nobody").code == 2
    done = kept.up("--accept-data-risk=prometheus")
    assert done.code == 0, done
    assert saved(kept) == []


def test_without_the_old_container_it_is_refused(kept: Project, old_image: str) -> None:
    kept.docker("rm", "-f", f"{kept.name}-prometheus-1")
    kept.change("prometheus", image=old_image)
    done = kept.up()
    assert done.code == 5
    assert "obsctl up --accept-data-risk prometheus" in done.stderr
    assert f"{kept.name}-prometheus-1" not in kept.containers()


def test_kill_at_each_call_of_a_change_with_a_snapshot(
    kept: Project, old_image: str, short_path: Path, record_property: Record
) -> None:
    images = [old_image, kept.document["services"]["prometheus"]["image"]]

    def change() -> None:
        images.reverse()
        kept.change("prometheus", image=images[1])

    change()
    figures = Sweep("kill -9, volume saved", count_calls(kept, short_path))
    for number, kind in points(figures.calls, KILLS, some=3):
        change()
        Breaker(kept, kind, number).up(short_path)
        with figures.point((number, kind.name)):
            up(kept)
            assert_converged(kept)
            assert_nothing_left(kept)
            assert_whole(kept, f"{kept.name}_prometheus")
            assert len(saved(kept)) <= 2
            for volume in saved(kept):
                assert_whole(kept, volume)
    record_property(SWEEP, str(figures))
    assert not figures.failures, "\n".join(figures.failures)
    assert_up_is_quiet(kept, short_path)
