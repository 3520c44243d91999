"""What the Engine says of containers that are not well: each its own cause."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
import pytest
import yaml

from obsctl.conventions import (
    COMPOSE_NUMBER,
    COMPOSE_ONEOFF,
    COMPOSE_PROJECT,
    COMPOSE_SERVICE,
    LABEL_SPEC_HASH,
)
from obsctl.health.asking.context import Context
from obsctl.health.asking.observed import containers_of
from obsctl.health.checks.containers import containers_run
from obsctl.health.findings.report import Finding
from tests.engine.health_lab import bare_stack
from tests.kit.engine import ensure_engine
from tests.kit.host import KitUnavailable
from tests.kit.images import ensure_images
from tests.tiers import unavailable

# The Engine client keeps a connection per thread, and has no way to close it yet.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

PROJECT = f"obsctl-containers-{os.getpid()}"
_WAIT_S = 20


@dataclass(frozen=True, slots=True)
class Case:
    """A container, and the cause that it has to be given; none where it is well."""

    name: str
    code: str
    script: str = "exec sleep 600"
    one_shot: bool = False
    started: bool = True
    options: dict[str, Any] = field(default_factory=dict)


ONCE_FAILED = "test -e /tmp/again && exec sleep 600; touch /tmp/again; exit 3"
SICK = {"test": ["CMD", "false"], "interval": 10**8, "retries": 1}
SLOW = {"test": ["CMD", "true"], "interval": 10**12}
ALWAYS = {"restart_policy": {"Name": "always"}}
CASES = (
    Case("running", ""),
    Case("new", "", options={"healthcheck": SLOW}),
    Case("done", "", "exit 0", one_shot=True),
    Case("exited", "container-exited", "echo why; exit 3"),
    Case("created", "container-created", started=False),
    Case("restarting", "container-restarting", "exit 3", options=ALWAYS),
    Case("restarted", "container-restarted", ONCE_FAILED, options=ALWAYS),
    Case("unhealthy", "container-unhealthy", options={"healthcheck": SICK}),
    Case("setup-failed", "setup-failed", "echo why; exit 3", one_shot=True),
    Case("setup-running", "setup-running", one_shot=True),
)


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Finding]]:
    """What `check` says of each container, once all of them have come to what they are."""
    try:
        host = ensure_engine().docker_host
        image = ensure_images(["redis"])["redis"]
    except KitUnavailable as reason:
        unavailable("engine", str(reason))
    with containers(host, image):
        context = context_of(tmp_path_factory.mktemp("containers"))
        deadline = time.monotonic() + _WAIT_S
        while True:
            found = told(context)
            codes = {name: finding.code for name, finding in found.items()}
            if codes == {case.name: case.code for case in CASES} or time.monotonic() > deadline:
                break
            time.sleep(0.2)
        yield found


@contextmanager
def containers(host: str, image: str) -> Iterator[None]:
    client = docker.DockerClient(base_url=host)
    made = []
    try:
        for case in CASES:
            made.append(
                client.containers.create(
                    image,
                    entrypoint=["sh", "-c", case.script],
                    name=f"{PROJECT}-{case.name}-1",
                    labels=_labels(case.name),
                    **case.options,
                )
            )
            if case.started:
                made[-1].start()
        yield
    finally:
        for container in made:
            container.remove(force=True, v=True)
        client.close()


def _labels(service: str) -> dict[str, str]:
    return {
        COMPOSE_PROJECT: PROJECT,
        COMPOSE_SERVICE: service,
        COMPOSE_ONEOFF: "False",
        COMPOSE_NUMBER: "1",
        LABEL_SPEC_HASH: "same",
    }


def context_of(folder: Path) -> Context:
    services = {
        case.name: {
            "labels": {LABEL_SPEC_HASH: "same"},
            "restart": "no" if case.one_shot else "unless-stopped",
        }
        for case in CASES
    }
    files = {"docker-compose.yml": yaml.safe_dump({"services": services})}
    source = containers_of(PROJECT)
    return Context(bare_stack(PROJECT), files, folder, folder, folder, source)


def told(context: Context) -> dict[str, Finding]:
    fresh = Context(
        context.stack, context.files, context.root, context.root, context.root, context.containers
    )
    found = containers_run(fresh)
    return {finding.subject: finding for finding in found if finding.layer == "containers"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_container_is_told_for_what_it_is(findings: dict[str, Finding], case: Case) -> None:
    assert findings[case.name].code == case.code
    if "echo why" in case.script:
        assert "why" in findings[case.name].evidence


def test_what_only_starts_is_no_failure(findings: dict[str, Finding]) -> None:
    """Right after `up`, Docker has not asked yet; the other layers have."""
    assert findings["new"].state == "skip"
