"""A full stack whose secrets are canaries, and everything in which one could show."""

import json
import os
import re
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from docker.models.containers import Container

from tests.engine.full_lab import call
from tests.engine.project import ProjectUnderTest, Result, free_port
from tests.kit.watched import Watched

ODD = "$HOME${X}'q\"r\\d{{x}}`1`#&"
"""Part of passwords: what a shell, YAML, JSON, a template or Compose would take for its own."""
# Programs that take a password from their environment only, each by the name of its variable;
# the two of Grafana and Elasticsearch are set by these images' own start scripts.
BY_ENVIRONMENT = {
    b"OBSCTL_WRITER_PASSWORD": "Logstash reads no file, and its keystore needs the value likewise",
    b"ES_PASSWORD": "elasticsearch_exporter reads no file",
    b"REDIS_EXPORTER_BASIC_AUTH_HASH_PASSWORD": "redis_exporter reads no file; it is a hash",
    b"MONGODB_PASSWORD": "mongodb_exporter reads no file",
    b"MYSQLD_EXPORTER_PASSWORD": "mysqld_exporter's file has a form that cannot hold every value",
    b"GF_SECURITY_ADMIN_PASSWORD": "run.sh of the image exports what __FILE names",
    b"GF_SECURITY_SECRET_KEY": "run.sh of the image exports what __FILE names",
    b"SECRET_KEY": "Bugsink reads no file",
    b"ELASTIC_PASSWORD": "the image's entry point exports what _FILE names",
}
_PAUSE_S = 0.03


@dataclass(slots=True)
class SecretsLab:
    """`seen` are all values that ever were in secrets/; `told` is all that obsctl has printed."""

    project: ProjectUnderTest
    watched: Watched
    postgres: Container
    mariadb: Container
    ports: dict[str, int]
    hook: str
    sources: dict[str, str] = field(default_factory=dict)
    seen: dict[str, set[bytes]] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    connector: str = ""  # of Kibana, with secrets that it has encrypted

    @property
    def secrets(self) -> Path:
        return self.project.folder / "secrets"

    def describe(self, more_sources: str = "", more: str = "") -> None:
        """Write obsctl.yaml: a secret of every way, those of others from the three sources."""
        port = self.ports
        images = "\n".join(f"    {k}: {v}" for k, v in sorted(self.project.images.items()))
        reader = json.dumps(["cat", str(self.source("postgres_password"))])
        (self.project.folder / "obsctl.yaml").write_text(f"""\
version: 1
project: {self.project.name}
services:
  shop: {{ kind: http, targets: ["localhost:{port["app"]}"] }}
  cache:
    kind: redis
    address: "localhost:{port["redis"]}"
    credentials: {{ user: default, password: {{ secret: redis_password }} }}
  db:
    kind: postgres
    address: "localhost:{port["postgres"]}"
    credentials: {{ user: exporter, password: {{ secret: postgres_password }} }}
  sql:
    kind: mysql
    address: "localhost:{port["mariadb"]}"
    credentials: {{ user: exporter, password: {{ secret: mysql_password }} }}
  docs:
    kind: mongodb
    address: "localhost:{port["mongod"]}"
    credentials: {{ user: exporter, password: {{ secret: mongodb_password }} }}
notifications:
  receivers: {{ ops: {{ webhook: {{ url_secret: {{ secret: hook_url }} }} }} }}
  routes: {{ critical: [ops], warning: [ops], watchdog: [ops] }}
  grouping: {{ wait: 1s, interval: 1s }}
secrets:
  redis_password: {{ env: LAB_REDIS }}
  hook_url: {{ file: {self.source("hook_url")} }}
  mysql_password: {{ file: {self.source("mysql_password")} }}
  mongodb_password: {{ file: {self.source("mongodb_password")} }}
  postgres_password: {{ exec: {reader} }}
{more_sources}
errors: {{ bugsink: {{ port: {port["bugsink"]} }} }}
logs: {{ inputs: {{ tcp: {{ port: {port["tcp"]} }} }} }}
{more}
stack:
  web: {{ user: operator }}
  prometheus: {{ port: {port["prometheus"]}, scrape_interval: 1s, evaluation_interval: 1s }}
  alertmanager: {{ port: {port["alertmanager"]} }}
  grafana: {{ port: {port["grafana"]} }}
  elasticsearch: {{ port: {port["elasticsearch"]} }}
  kibana: {{ port: {port["kibana"]} }}
  logstash: {{ port: {port["logstash"]} }}
  images:
{images}
""")

    def source(self, name: str) -> Path:
        """Where the user keeps a value: outside of the project, which git has."""
        folder = self.project.folder
        return folder.with_name(f"{folder.name}-sources") / name

    def give(self, name: str, value: str) -> None:
        """The user's side of a new value: in the source, not in the service."""
        if name == "redis_password":
            self.sources["LAB_REDIS"] = value
            return
        path = self.source(name)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_text(value)

    def obsctl(self, *arguments: str, environment: dict[str, str] | None = None) -> Result:
        done = self.project.obsctl(*arguments, environment=self.sources | (environment or {}))
        self.told.append(done.text)
        self.remember()
        return done

    def start(self, *command: str) -> "subprocess.Popen[bytes]":
        """A command of this environment under way, to be killed."""
        environment = self.project.environment | self.sources
        return subprocess.Popen(command, cwd=self.project.folder, env=environment)

    def remember(self) -> None:
        for path in self.secrets.iterdir():
            if path.name != ".gitignore" and path.is_file():
                name = path.name.removeprefix(".").partition(".")[0]
                self.seen.setdefault(name, set()).add(path.read_bytes())

    def value(self, name: str) -> str:
        return (self.secrets / name).read_text()

    def states(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.secrets.iterdir()}

    def connect(self) -> str:
        """A new connector of Kibana's, whose secrets it encrypts; its id."""
        body = {"name": "lab", "connector_type_id": ".index", "config": {"index": "lab"}}
        return str(self.kibana("/api/actions/connector", body)["id"])

    def uses(self, connector: str) -> bool:
        """Whether Kibana can read the connector's secrets, which is when it can use it."""
        path = f"/api/actions/connector/{connector}/_execute"
        return bool(self.kibana(path, {"params": {"documents": []}})["status"] == "ok")

    def kibana(self, path: str, body: object) -> Any:  # noqa: ANN401 - JSON
        login = ("elastic", self.value("elastic_password"))
        return call("POST", f"http://127.0.0.1:{self.ports['kibana']}{path}", body, login)

    # the services of the user

    def set_redis(self, old: str | None, new: str) -> None:
        """Change Redis's password, as its owner would."""
        with socket.create_connection(("127.0.0.1", self.ports["redis"]), 5) as connection:
            for words in (("AUTH", old), ("CONFIG", "SET", "requirepass", new)):
                if None not in words:
                    parts = "".join(f"${len(str(w).encode())}\r\n{w}\r\n" for w in words)
                    connection.sendall(f"*{len(words)}\r\n{parts}".encode())
                    assert connection.recv(100) == b"+OK\r\n"

    def set_postgres(self, password: str) -> None:
        quoted = password.replace("'", "''")
        sql = f"SET standard_conforming_strings = on; ALTER ROLE exporter PASSWORD '{quoted}'"
        # Where the kit's image has its socket.
        command = ["psql", "-h", "/tmp", "-p", str(self.ports["postgres"]), "-U", "postgres"]  # noqa: S108 - as said
        until = time.monotonic() + 20
        while True:
            done = self.postgres.exec_run([*command, "-c", sql])
            if done.exit_code == 0:
                return
            assert time.monotonic() < until, done.output
            time.sleep(0.1)

    def set_mysql(self, password: str) -> None:
        """Escaped for a server that takes a backslash for what it is in most of them."""
        quoted = password.replace("\\", "\\\\").replace("'", "''")
        sql = f"ALTER USER exporter@'%' IDENTIFIED BY '{quoted}'"
        until = time.monotonic() + 30
        command = ["mariadb", "--socket=/tmp/mariadb.sock", "--user=root", "--execute"]
        while True:
            done = self.mariadb.exec_run([*command, sql], user="root")
            if done.exit_code == 0:
                return
            assert time.monotonic() < until, done.output
            time.sleep(0.1)

    # where a value could show

    def containers(self) -> list[Container]:
        label = f"com.docker.compose.project={self.project.name}"
        found = self.watched.client.containers.list(all=True, filters={"label": label})
        assert found
        return list(found)

    def container(self, service: str) -> Container:
        return self.watched.client.containers.get(f"{self.project.name}-{service}-1")

    def leaks(self, process_samples: set[tuple[str, bytes]] = frozenset()) -> list[str]:  # type: ignore[assignment]
        """Every place that holds a value, by place and secret."""
        places: dict[str, bytes] = {
            "what obsctl printed": _PRINTED_DSN.sub("", "".join(self.told)).encode(),
            **{f"{path}": path.read_bytes() for path in self._files()},
            "git": self._index(),
        }
        for one in self.containers():
            places[f"inspect {one.name}"] = json.dumps(one.attrs).encode()
            places[f"logs {one.name}"] = one.logs()
            image = self.watched.client.images.get(one.attrs["Image"])
            places[f"image of {one.name}"] = json.dumps([image.attrs, image.history()]).encode()
        for number, (kind, text) in enumerate(sorted(process_samples)):
            places[f"{kind} {number}: {text.partition(b'=')[0][:60]!r}"] = text
        print(f"{sum(map(len, self.seen.values()))} values looked for in {len(places)} places")
        # All at once first: hundreds of forms in thousands of places are none but for a leak.
        whole = b"\0".join(places.values())
        shown = [
            (name, form)
            for name, values in self.seen.items()
            for form in set().union(*map(_forms, values))
            if form in whole
        ]
        return sorted(
            {
                f"{name} in {place}"
                for name, form in shown
                for place in places
                if form in places[place]
            }
        )

    def _files(self) -> Iterator[Path]:
        for folder in ("stack", ".obsctl"):
            yield from (p for p in (self.project.folder / folder).rglob("*") if p.is_file())
        yield self.project.folder / "obsctl.yaml"

    def _index(self) -> bytes:
        """Names and contents of all that `git add` takes."""
        git = ["git", "-C", str(self.project.folder)]
        subprocess.run([*git, "init", "-q"], check=True)
        subprocess.run([*git, "add", "-A"], check=True)
        names = subprocess.run([*git, "ls-files", "-s"], check=True, capture_output=True).stdout
        assert b"stack/docker-compose.yml" in names
        assert b"secrets/" not in names
        all_text = [*git, "grep", "--cached", "-h", "-I", "-e", ""]
        return names + subprocess.run(all_text, check=True, capture_output=True).stdout


# The one value that is printed, for whoever sets up the app: when `up` makes it, and nowhere else.
_PRINTED_DSN = re.compile(r"(?<=: the DSN of shop, )\S+")


def _forms(value: bytes) -> set[bytes]:
    """As it is, and as JSON or a Compose file would write it."""
    text = value.decode()
    return {value, json.dumps(text)[1:-1].encode(), text.replace("$", "$$").encode()}


@contextmanager
def sampled() -> Iterator[set[tuple[str, bytes]]]:
    """Arguments and environments of all processes of the host while the block runs."""
    found: set[tuple[str, bytes]] = set()
    ended = threading.Event()

    def look() -> None:
        own = {str(os.getpid())}
        while not ended.is_set():
            for folder in Path("/proc").glob("[0-9]*"):
                if folder.name not in own:
                    found.update(_of_process(folder))
            ended.wait(_PAUSE_S)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()


def _of_process(folder: Path) -> Iterator[tuple[str, bytes]]:
    try:
        yield "arguments", (folder / "cmdline").read_bytes()
        for entry in (folder / "environ").read_bytes().split(b"\0"):
            # The variable that the user gives obsctl is the user's.
            if entry.partition(b"=")[0] not in {*BY_ENVIRONMENT, b"LAB_REDIS"}:
                yield "environment", entry
    except OSError:
        return


def new_ports() -> dict[str, int]:
    names = ("prometheus", "alertmanager", "grafana", "elasticsearch", "kibana", "logstash")
    return {
        name: free_port()
        for name in (*names, "bugsink", "tcp", "app", "redis", "postgres", "mariadb", "mongod")
    }


def listed(text: str) -> dict[str, list[str]]:
    """`secrets list` by name."""
    return {line.split()[0]: line.split()[1:] for line in text.splitlines()[1:]}
