"""`check --security` on a running stack: clean as rendered, and every patch that opens it named."""

import json
import os
import urllib.request
from collections.abc import Iterator

import pytest

from tests.engine.project import OBSCTL, ProjectUnderTest, clean_environment
from tests.kit.engine import ensure_engine
from tests.kit.host import KitUnavailable
from tests.kit.images import stack_images
from tests.kit.tools import ensure_tools, tool_environment
from tests.tiers import unavailable

NAME = f"obsctl-security-{os.getpid()}"
SERVICES = "  host: { kind: node }"
REASON = "a test wants to see that a reason passes"
PATCH = f"""\
patches:
  docker-compose.yml:
    services:
      alertmanager:
        privileged: true
        environment: {{ SMTP_PASSWORD: hunter2hunter2 }}
        volumes: [ {{ type: volume, source: alertmanager_data, target: /alertmanager }} ]
      prometheus:
        cap_add: [ SYS_ADMIN ]
        read_only: false
        pids_limit: 0
        labels: {{ dev.obsctl.exception.writable-root: {REASON} }}
        ports:
          - {{ target: 9090, published: "%d", host_ip: 0.0.0.0, protocol: tcp, mode: host }}
      host-exporter:
        read_only: false
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProjectUnderTest]:
    try:
        ensure_engine()
        images = stack_images()
        ensure_tools()
    except KitUnavailable as reason:
        unavailable("engine", str(reason))
    folder = tmp_path_factory.mktemp("security")
    environment = clean_environment(tool_environment())
    under_test = ProjectUnderTest(folder, NAME, images, environment)
    under_test.write(SERVICES)
    yield under_test
    done = under_test.obsctl("down", "--volumes")
    assert done.code == 0, done.text


def test_as_rendered_nothing_is_unexplained(project: ProjectUnderTest) -> None:
    # Where whoever works there keeps the host's other users out, containers read what is theirs.
    up = project.run("sh", "-c", f"umask 077 && exec {OBSCTL} up")
    assert up.code == 0, up.text
    done = project.obsctl("check", "--security")
    assert done.code == 0, done.text
    assert "0 unexplained, 3 explained (30 items on 3 containers" in done.stdout
    assert "host-exporter: PidMode is host; explained: node_exporter measures" in done.stdout
    print(done.stdout)


def test_a_page_in_a_browser_may_not_read_the_metrics(project: ProjectUnderTest) -> None:
    url = f"http://127.0.0.1:{project.ports['prometheus']}/api/v1/query?query=up"
    for origin in ("https://elsewhere.example", "null"):
        request = urllib.request.Request(url, headers={"Origin": origin})
        with urllib.request.urlopen(request, timeout=5) as answer:
            assert answer.headers["Access-Control-Allow-Methods"]  # it knows of origins
            assert answer.headers["Access-Control-Allow-Origin"] is None


def test_what_opens_a_container_is_named(project: ProjectUnderTest) -> None:
    project.write(SERVICES, more=PATCH % project.ports["prometheus"])
    up = project.obsctl("up")
    assert up.code == 0, up.text
    done = project.obsctl("check", "--security", "--json")
    assert done.code == 1, done.text
    report = json.loads(done.stdout)
    failed = [one for one in report["findings"] if one["state"] == "fail"]
    assert {(one["subject"], one["code"]) for one in failed} == {
        ("alertmanager", "container-privileged"),
        ("alertmanager", "secret-in-environment"),
        ("prometheus", "container-capabilities"),
        ("prometheus", "port-open-to-all"),
        ("prometheus", "container-unlimited"),
        ("host-exporter", "container-writable"),
    }
    assert "hunter2" not in done.text
    assert any(one["evidence"].endswith(f"explained: {REASON}") for one in report["findings"])
    text = project.obsctl("check", "--security")
    assert text.code == 1
    assert "6 unexplained, 4 explained" in text.stdout
    print(text.stdout)
