"""`stack.networks`: who is attached to the application's networks, and which names are refused."""

from pathlib import Path

import pytest

from obsctl.errors import ProjectFileError
from obsctl.project.plain_yaml import load_plain
from tests.unit.stacks import rendered

SERVICES = "redis: { kind: redis, address: 'cache:6379' }"


def document(directory: Path, networks: str) -> dict[str, dict[str, dict[str, object]]]:
    stack = f"stack: {{ without: [elk, grafana], networks: {networks} }}\n"
    text = f"services: {{ {SERVICES} }}\n{stack}"
    found: dict[str, dict[str, dict[str, object]]] = load_plain(
        rendered(directory, text)["docker-compose.yml"]
    )
    return found


def test_who_asks_the_application_is_in_its_network(tmp_path: Path) -> None:
    found = document(tmp_path, "[app_default, observability]")
    inside = {
        name for name, one in found["services"].items() if one["networks"] != ["observability"]
    }
    assert inside == {"prometheus", "alertmanager", "redis-exporter"}
    assert found["services"]["prometheus"]["networks"] == [
        "observability",
        "app_default",
        "observability-of-application",
    ]
    assert found["networks"]["app_default"] == {"name": "app_default", "external": True}
    theirs = {"name": "observability", "external": True}
    assert found["networks"]["observability-of-application"] == theirs
    assert found["networks"]["observability"]["name"] == "demo_observability"


@pytest.mark.parametrize("name", ["host", "bridge", "'a b'", "-x"])
def test_names_that_cannot_be(tmp_path: Path, name: str) -> None:
    with pytest.raises(ProjectFileError, match="network"):
        document(tmp_path, f"[{name}]")


def test_an_application_with_the_name_of_the_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProjectFileError) as refused:
        document(tmp_path, "[other_default, demo_default]")
    (problem,) = refused.value.problems
    assert problem.message == "`demo_default` is of a compose project that is called `demo` as well"
    assert problem.hint == "call this one otherwise, such as `project: demo-monitoring`"
    assert problem.location is not None
