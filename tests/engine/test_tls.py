"""Elasticsearch over HTTPS with the stack's own authority, beside web access: all of its clients.

Elasticsearch, Logstash, Kibana and Grafana are stand-ins of the kit that verify as the real ones
do; the exporter, Prometheus and Alertmanager are the real ones.
"""

import base64
import http.client
import json
import os
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from obsctl.project.certificates import renewed
from tests.engine.log_senders import send_lines
from tests.engine.project import ProjectUnderTest, clean_environment, eventually, free_port
from tests.engine.small_stack import Kit
from tests.kit.images import stack_images
from tests.kit.tools import tool_environment

NAME = f"obsctl-tls-{os.getpid()}"
PORTS = ("elasticsearch", "kibana", "logstash", "grafana", "tcp")
SETUP = f"{NAME}-elasticsearch-setup-1"
CERTIFICATE = "elasticsearch.crt"


@pytest.fixture(scope="module")
def project(kit: Kit, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProjectUnderTest]:
    environment = clean_environment(tool_environment()) | {"DOCKER_HOST": kit.docker_host}
    folder = tmp_path_factory.mktemp("tls")
    under_test = ProjectUnderTest(folder, NAME, stack_images(), environment)
    port = under_test.ports
    port.update({name: free_port() for name in PORTS})
    stack = f"""\
  elasticsearch: {{ port: {port["elasticsearch"]}, tls: true }}
  kibana: {{ port: {port["kibana"]} }}
  logstash: {{ port: {port["logstash"]} }}
  grafana: {{ port: {port["grafana"]} }}
  web: {{ user: ops, tls: true }}"""
    more = f"logs: {{ inputs: {{ tcp: {{ port: {port['tcp']} }} }} }}"
    under_test.write("  {}", more=more, stack=stack)
    done = under_test.obsctl("up")
    try:
        assert done.code == 0, done.text
        yield under_test
    finally:
        assert under_test.obsctl("down", "--volumes").code == 0


def trust(project: ProjectUnderTest) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=project.folder / "secrets/ca.crt")


def ask(project: ProjectUnderTest, component: str, path: str, login: str) -> Any:  # noqa: ANN401 - JSON
    """The JSON that a component answers to `user secret` over HTTPS, verified."""
    user, secret = login.split()
    password = (project.folder / "secrets" / secret).read_text()
    signed = base64.b64encode(f"{user}:{password}".encode()).decode()
    url = f"https://localhost:{project.ports[component]}{path}"
    request = urllib.request.Request(url, headers={"Authorization": f"Basic {signed}"})
    with urllib.request.urlopen(request, timeout=5, context=trust(project)) as answer:
        return json.load(answer)


def elastic(project: ProjectUnderTest, path: str) -> Any:  # noqa: ANN401 - JSON
    return ask(project, "elasticsearch", path, "elastic elastic_password")


def is_green(project: ProjectUnderTest) -> None:
    done = project.obsctl("check", "--wait=60", "--deep", "--json")
    found = json.loads(done.stdout)["findings"]
    assert [one for one in found if one["state"] not in {"ok", "skip"}] == []
    assert done.code == 0


def test_check_is_green_and_up_has_nothing_to_do(project: ProjectUnderTest) -> None:
    is_green(project)
    assert "nothing to do" in project.obsctl("up").text


def test_nobody_is_served_in_the_clear(project: ProjectUnderTest) -> None:
    with pytest.raises((http.client.HTTPException, OSError)):
        urllib.request.urlopen(f"http://localhost:{project.ports['elasticsearch']}/", timeout=5)
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib.request.urlopen(f"https://localhost:{project.ports['elasticsearch']}/", timeout=5)


def test_a_line_arrives(project: ProjectUnderTest) -> None:
    send_lines(project.ports["tcp"], {"message": "over TLS", "trace": {"id": "t-tls"}})
    query = urllib.parse.quote('message:"over TLS"')
    path = f"/logs-*-*/_search?q={query}&ignore_unavailable=true"
    eventually(lambda: bool(elastic(project, path)["hits"]["hits"]), "the line is filed", 20)


def test_the_setup_runs_again_and_changes_nothing(project: ProjectUnderTest) -> None:
    def state() -> list[Any]:
        paths = ("/_security/role", "/_component_template/logs@custom", "/_data_stream/logs-*-*")
        return [elastic(project, path) for path in paths]

    before = state()
    assert {"logstash_writer", "grafana_reader", "es_exporter"} <= before[0].keys()
    again = project.run("docker", "start", "--attach", SETUP)
    assert again.code == 0, again.text
    assert "elasticsearch-setup: Elasticsearch is set up" in again.stdout
    assert state() == before


def test_the_setup_explains_a_wrong_password(project: ProjectUnderTest, tmp_path: Path) -> None:
    """The rendered script, made less patient, with a password that is not that of the data."""
    script = (project.folder / "stack/elasticsearch/setup/setup.sh").read_text()
    assert "refusal_s=20" in script
    (tmp_path / "setup.sh").write_text(script.replace("refusal_s=20", "refusal_s=1"))
    (tmp_path / "elastic_password").write_text("not-the-one-of-its-data-6c1f")
    (tmp_path / "ca.crt").write_bytes((project.folder / "secrets/ca.crt").read_bytes())
    tmp_path.chmod(0o755)
    command = ["docker", "run", "--rm", f"--network=container:{NAME}-elasticsearch-1"]
    command += [f"--volume={tmp_path}:/run/secrets:ro", "--entrypoint=/bin/bash"]
    refused = project.run(*command, project.images["elasticsearch"], "/run/secrets/setup.sh")
    assert refused.code == 1
    assert "refuses the password in secrets/elastic_password" in refused.text
    assert f"{NAME}-elasticsearch-1 bin/elasticsearch-reset-password" in refused.text
    assert "not-the-one" not in refused.text
    # And where nobody answers: the deadline is told, with what was heard last.
    unreachable = script.replace("patience_s=180", "patience_s=1").replace(
        "https://elasticsearch:", "https://nobody.invalid:"
    )
    assert unreachable.count("nobody.invalid") == 1
    (tmp_path / "setup.sh").write_text(unreachable)
    late = project.run(*command, project.images["elasticsearch"], "/run/secrets/setup.sh")
    assert late.code == 1
    assert "Elasticsearch is not ready after 1 s; its last answer was none." in late.text


def test_elasticsearch_comes_back_by_itself(project: ProjectUnderTest) -> None:
    """As after a reboot: its configuration lies on a tmpfs that is made anew at each start."""
    assert project.run("docker", "restart", f"{NAME}-elasticsearch-1").code == 0
    eventually(lambda: bool(elastic(project, "/")), "Elasticsearch serves again")


def test_passwords_are_rotated_over_it(project: ProjectUnderTest) -> None:
    names = ("elastic_password", "es_exporter_password", "web_password")
    folder = project.folder / "secrets"
    old = {name: (folder / name).read_text() for name in names}
    done = project.obsctl("secrets", "rotate", *names)
    assert done.code == 0, done.text
    for name, value in old.items():
        assert f"{name}: rotated" in done.text
        assert (folder / name).read_text() != value
    assert elastic(project, "/")["cluster_name"] == NAME
    buildinfo = ask(project, "prometheus", "/api/v1/status/buildinfo", "ops web_password")
    assert buildinfo["status"] == "success"


def served(project: ProjectUnderTest) -> bytes:
    address = ("localhost", project.ports["elasticsearch"])
    return ssl.get_server_certificate(address).encode()


def test_a_certificate_near_its_end_is_renewed_and_taken(project: ProjectUnderTest) -> None:
    folder = project.folder / "secrets"
    authority = {name: (folder / name).read_bytes() for name in ("ca.crt", "ca.key")}
    hosts = ("elasticsearch", "localhost", "127.0.0.1", "::1")
    past = datetime.now(UTC) - timedelta(days=350)
    old = renewed(authority, {"elasticsearch": hosts}, past)
    for name in (CERTIFICATE, "elasticsearch.key"):
        (folder / name).chmod(0o644)
        (folder / name).write_bytes(old[name])
        (folder / name).chmod(0o444)
    eventually(lambda: served(project) == old[CERTIFICATE], "the old one is served", 20)
    done = project.obsctl("up")
    assert done.code == 0, done.text
    assert CERTIFICATE in done.text
    new = (folder / CERTIFICATE).read_bytes()
    assert new != old[CERTIFICATE]
    assert (folder / "ca.crt").read_bytes() == authority["ca.crt"]
    eventually(lambda: served(project) == new, "the new one is served", 20)
    is_green(project)
