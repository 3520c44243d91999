"""Every exporter of the catalogue has a login and TLS with `stack.web`, or a reason not to."""

from pathlib import Path

import pytest

from obsctl.stack.model import Healthcheck
from tests.unit.stacks import resolved, service

PROJECT = """\
services:
  cache:
    kind: redis
    address: "localhost:6379"
    credentials: { user: default, password: { secret: redis_password } }
  plain: { kind: redis, address: "localhost:6379" }
  db:
    kind: mongodb
    address: "localhost:27017"
    credentials: { user: exporter, password: { secret: mongodb_password } }
  sql: { kind: mysql, address: "localhost:3306" }
  rows: { kind: postgres, address: "localhost:5432" }
  proxy: { kind: nginx, address: "localhost:80" }
  queue: { kind: kafka, address: "localhost:9092" }
  host: { kind: node }
  containers: { kind: docker }
"""
WEB = "stack: { web: { user: ops, tls: %s } }\n"
# Kafka's and Logstash's know TLS and no login, cAdvisor a login and no TLS.
OPEN = {"queue-exporter", "containers-exporter", "logstash-exporter"}


@pytest.mark.parametrize("tls", ["true", "false"])
def test_all_that_can_are_behind_it(tmp_path: Path, tls: str) -> None:
    stack = resolved(tmp_path, PROJECT + WEB % tls)
    exporters = [one for one in stack.services if one.name.endswith("-exporter")]
    assert {one.name for one in exporters if one.access is None} == OPEN
    jobs = {job.targets[0].rpartition(":")[0]: job for job in stack.scrape_jobs}
    for one in exporters:
        if one.name in jobs and one.access:
            assert jobs[one.name].access == one.access
        refusal = "400" if tls == "true" else "401"
        if one.access and one.healthcheck:
            assert one.healthcheck.test[-1].endswith(f"grep -q {refusal}")


@pytest.mark.parametrize("name", ["cache-exporter", "plain-exporter"])
def test_redis_exporter_reads_the_hash_of_a_file(tmp_path: Path, name: str) -> None:
    stack = resolved(tmp_path, PROJECT + WEB % "true")
    found = service(stack, name)
    assert {f"{name}.hash", f"{name}.crt", f"{name}.key"} <= {*found.secrets}
    assert "web_password" not in found.secrets
    assert f"--tls-server-cert-file=/run/secrets/{name}.crt" in found.command
    assert "--basic-auth-username=ops" in found.command
    script = found.entrypoint[2]
    read = f'REDIS_EXPORTER_BASIC_AUTH_HASH_PASSWORD="$(cat /run/secrets/{name}.hash)"\n'
    assert script.startswith(read)
    assert script.endswith("exec '/redis_exporter' \"$@\"\n")
    assert ("/tmp/passwords.json" in script) == (name == "cache-exporter")  # noqa: S108 - as rendered


def test_mongodb_exporter_is_asked_by_the_shell_that_it_is_lent(tmp_path: Path) -> None:
    stack = resolved(tmp_path, PROJECT + WEB % "false")
    found = service(stack, "db-exporter")
    assert "--web.config=/run/secrets/db-exporter.web.yml" in found.command
    box = "/shell/busybox"
    ask = f"{box} wget -O /dev/null http://127.0.0.1:9216/ 2>&1 | {box} grep -q 401"
    assert found.healthcheck == Healthcheck(("CMD", box, "sh", "-c", ask))


def test_without_web_access_nothing_is_added(tmp_path: Path) -> None:
    stack = resolved(tmp_path, PROJECT)
    assert not any(one.access for one in stack.services)
    assert service(stack, "plain-exporter").entrypoint == ()
