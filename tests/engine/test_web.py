"""Prometheus, Alertmanager, blackbox and node exporter behind a login and TLS: the real servers."""

import base64
import json
import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from obsctl.project.certificates import renewed
from tests.engine.project import ProjectUnderTest, clean_environment, free_port
from tests.engine.small_stack import Kit
from tests.kit.images import stack_images
from tests.kit.tools import tool_environment
from tests.kit.watched import start_watched

NAME = f"obsctl-web-{os.getpid()}"
SERVICES = "  host: {{ kind: node }}\n  cache: {{ kind: redis, address: 'localhost:{}' }}\n"
WEB = "  without: [ elk, grafana ]\n  web: { user: ops, tls: true }"
PUBLISHED = {"prometheus": "/api/v1/status/buildinfo", "alertmanager": "/api/v2/status"}
# They publish no port: asked from inside, by a container that is let in.
INSIDE = {
    "host-exporter": "9100/metrics",
    "blackbox-exporter": "9115/metrics",
    "cache-exporter": "9121/metrics",
}


@pytest.fixture(scope="module")
def project(kit: Kit, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProjectUnderTest]:
    environment = clean_environment(tool_environment()) | {"DOCKER_HOST": kit.docker_host}
    folder = tmp_path_factory.mktemp("web")
    under_test = ProjectUnderTest(folder, NAME, stack_images(), environment)
    app, redis = free_port(), free_port()
    watched = start_watched(kit.docker_host, NAME, app, redis)
    more = f'probes: ["http://localhost:{app}/"]'
    under_test.write(SERVICES.format(redis), more=more, stack=WEB)
    done = under_test.obsctl("up")
    try:
        assert done.code == 0, done.text
        yield under_test
    finally:
        assert under_test.obsctl("down", "--volumes").code == 0
        watched.remove()


def password(project: ProjectUnderTest) -> str:
    return (project.folder / "secrets/web_password").read_text()


def status(project: ProjectUnderTest, component: str, login: str | None = None) -> int:
    """The answer to a request that trusts nobody but the stack's own authority."""
    url = f"https://localhost:{project.ports[component]}{PUBLISHED[component]}"
    headers = {}
    if login is not None:
        headers["Authorization"] = "Basic " + base64.b64encode(login.encode()).decode()
    trust = ssl.create_default_context(cafile=project.folder / "secrets/ca.crt")
    try:
        request = urllib.request.Request(url, headers=headers)
        with urllib.request.urlopen(request, timeout=5, context=trust) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.parametrize("component", PUBLISHED)
def test_nobody_gets_in_without_the_password(project: ProjectUnderTest, component: str) -> None:
    assert status(project, component) == 401
    assert status(project, component, "ops:wrong") == 401
    assert status(project, component, f"ops:{password(project)}") == 200


@pytest.mark.parametrize("service", INSIDE)
def test_exporters_ask_for_it_too(project: ProjectUnderTest, service: str) -> None:
    curl = [
        "curl",
        "-s",
        "-o",
        "/dev/null",
        "-w",
        "%{http_code}",
        "--cacert",
        "/run/secrets/ca.crt",
    ]
    url = f"https://{service}:{INSIDE[service]}"
    inside = ("docker", "exec", f"{NAME}-prometheus-1")
    assert project.run(*inside, *curl, url).stdout == "401"
    let_in = 'curl -s -o /dev/null -w "%{http_code}" --cacert /run/secrets/ca.crt'
    script = f'{let_in} -u "ops:$(cat /run/secrets/web_password)" {url}'
    assert project.run(*inside, "sh", "-c", script).stdout == "200"


def test_check_is_green_and_up_has_nothing_to_do(project: ProjectUnderTest) -> None:
    done = project.obsctl("check", "--wait=60", "--json")
    found = json.loads(done.stdout)["findings"]
    assert [one["evidence"] for one in found if one["state"] == "fail"] == []
    assert done.code == 0
    assert "nothing to do" in project.obsctl("up").text


def test_a_threshold_is_reloaded_over_it(project: ProjectUnderTest) -> None:
    file = project.folder / "obsctl.yaml"
    file.write_text(file.read_text() + "alerts: { HighCPU: { warning: 71% } }\n")
    done = project.obsctl("up")
    assert done.code == 0, done.text
    assert "read back as written" in done.text
    assert "0.71" in (project.folder / "stack/prometheus/alert_rules.yml").read_text()


def test_an_alert_is_sent_over_it(project: ProjectUnderTest) -> None:
    done = project.obsctl("alert", "test", "HighCPU")
    assert "labels: " in done.text
    assert "nobody is told: no receiver" in done.text


def test_certificates_of_a_new_authority_are_taken_by_all(project: ProjectUnderTest) -> None:
    folder = project.folder / "secrets"
    before = {name: (folder / name).read_bytes() for name in certificates(folder)}
    (folder / "ca.key").unlink()
    done = project.obsctl("up")
    assert done.code == 0, done.text
    assert "wrote secrets/: " in done.text
    assert all((folder / name).read_bytes() != text for name, text in before.items())
    assert status(project, "prometheus", f"ops:{password(project)}") == 200
    assert project.obsctl("check", "--wait=60").code == 0


def codes(project: ProjectUnderTest) -> set[str]:
    found = json.loads(project.obsctl("check", "--json").stdout)["findings"]
    return {one["code"] for one in found if one["state"] == "fail"}


def test_an_old_certificate_and_another_password_are_named_and_mended(
    project: ProjectUnderTest,
) -> None:
    folder = project.folder / "secrets"
    past = datetime.now(UTC) - timedelta(days=350)
    files = {name: (folder / name).read_bytes() for name in ("ca.crt", "ca.key")}
    old = renewed({}, {"host-exporter": ("host-exporter",)}, past)["host-exporter.crt"]
    (folder / "host-exporter.crt").write_bytes(old)
    assert "certificate-old" in codes(project)
    (folder / "web_password").unlink()
    (folder / "web_password").write_text("another-one-of-the-user-s-own-3f9")
    (folder / "web_password").chmod(0o444)
    assert "web-password" in codes(project)
    done = project.obsctl("up")
    assert done.code == 0, done.text
    assert "host-exporter.crt" in done.text
    assert "prometheus.web.yml" in done.text
    assert {name: (folder / name).read_bytes() for name in files} == files
    assert project.obsctl("check", "--wait=60").code == 0


def test_the_new_password_opens_and_the_old_one_does_not(project: ProjectUnderTest) -> None:
    old = password(project)
    done = project.obsctl("secrets", "rotate", "--all")
    assert done.code == 0, done.text
    assert "web_password: rotated" in done.stdout
    new = password(project)
    for component in PUBLISHED:
        assert status(project, component, f"ops:{old}") == 401
        assert status(project, component, f"ops:{new}") == 200
    assert old not in done.text
    assert new not in done.text
    assert "nothing to do" in project.obsctl("plan").text
    # Redis's exporter, too, lets in whoever has the new one.
    assert project.obsctl("check", "--wait=60").code == 0


def certificates(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.crt"))


def test_no_hash_and_no_password_is_in_what_is_rendered(project: ProjectUnderTest) -> None:
    known = [password(project), *(p.read_text() for p in project.folder.glob("secrets/*.key"))]
    texts = [p.read_text() for p in project.folder.glob("stack/**/*") if p.is_file()]
    assert not [text for text in texts for secret in (*known, "$2b$") if secret in text]
