"""A small stack of real components, in the form that render writes, and ways to drive it."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
import yaml

Json = dict[str, Any]
T = TypeVar("T")

_NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Kit:
    docker_host: str
    images: Mapping[str, str]
    compose: Path
    enter: tuple[str, ...] = ()  # prefix of commands that must reach published ports

    def environment(self) -> dict[str, str]:
        path = f"{self.compose.parent}{os.pathsep}{os.environ['PATH']}"  # `docker` is there too
        return {**os.environ, "PATH": path, "DOCKER_HOST": self.docker_host}


def eventually(check: Callable[[], T], timeout_s: float = 30) -> T:
    """The first true answer of `check`; fails with the last one when the time is over."""
    deadline = time.monotonic() + timeout_s
    while not (found := check()):
        assert time.monotonic() < deadline, f"still {found!r} after {timeout_s} s"
        time.sleep(0.05)
    return found


@dataclass(repr=False)
class Done:
    """A finished command; `events` of a driven `up` are its progress lines."""

    code: int
    stdout: str
    stderr: str

    def __str__(self) -> str:
        return f"exit code {self.code}\n{self.stdout}\n{self.stderr}"

    __repr__ = __str__  # whole and in lines where a claim fails


@dataclass
class Project:
    """A rendered stack in a directory of its own; `document` is what its compose file holds."""

    kit: Kit
    name: str
    root: Path
    ports: Mapping[str, int]
    document: Json = field(default_factory=dict)

    @property
    def stack(self) -> Path:
        return self.root / "stack"

    @property
    def compose_file(self) -> Path:
        return self.stack / "docker-compose.yml"

    def save(self) -> None:
        self.compose_file.write_text(yaml.safe_dump(self.document, sort_keys=False))

    def change(self, service: str, **keys: object) -> None:
        """Change a service's definition, and with it the hash that render would give it."""
        definition = self.document["services"][service]
        definition.update(keys)
        definition["labels"]["dev.obsctl.spec-hash"] = f"changed-{next(_NUMBERS)}"
        self.save()

    def start(
        self, action: str, *arguments: str, docker_host: str | None = None
    ) -> "subprocess.Popen[str]":
        """The driver at work: up, plan or down."""
        return subprocess.Popen(
            [
                *self.kit.enter,
                sys.executable,
                "-m",
                "tests.engine.drive",
                action,
                str(self.root),
                *arguments,
            ],
            env={**os.environ, "DOCKER_HOST": docker_host or self.kit.docker_host},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def start_up(self, *arguments: str, docker_host: str | None = None) -> "subprocess.Popen[str]":
        return self.start("up", *arguments, docker_host=docker_host)

    def up(self, *arguments: str, docker_host: str | None = None) -> Done:
        return finish(self.start_up(*arguments, docker_host=docker_host))

    def run(self, action: str, *arguments: str) -> Done:
        """Another entry of the driver: plan, down."""
        return finish(self.start(action, *arguments))

    def compose(self, *arguments: str) -> Done:
        process = subprocess.Popen(
            [self.kit.compose, "-p", self.name, "-f", self.compose_file, *arguments],
            env=self.kit.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        return finish(process)

    def docker(self, *arguments: str) -> str:
        done = subprocess.run(
            ["docker", *arguments],
            env=self.kit.environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def containers(self) -> dict[str, Json]:
        """What `docker inspect` says of every container of the project, by name."""
        listed = self.docker("ps", "-aq", "--filter", f"label={_LABEL}={self.name}").split()
        found = json.loads(self.docker("inspect", *listed)) if listed else []
        return {one["Name"].lstrip("/"): one for one in found}

    def container(self, service: str) -> Json:
        return self.containers()[f"{self.name}-{service}-1"]

    def get(self, service: str, path: str) -> Any:  # noqa: ANN401 - JSON
        url = f"http://127.0.0.1:{self.ports[service]}{path}"
        with urllib.request.urlopen(url, timeout=5) as answer:
            return json.load(answer)

    def shape(self) -> Json:
        """What must be the same after an undisturbed run and after a recovered one."""
        containers = {
            name: (
                one["State"]["Status"],
                one["Config"]["Labels"],
                sorted(one["NetworkSettings"]["Networks"]),
                one["Image"],
            )
            for name, one in self.containers().items()
        }
        own = ["--filter", f"label={_LABEL}={self.name}", "--format", "{{.Name}}"]
        networks = sorted(self.docker("network", "ls", *own).splitlines())
        volumes = sorted(self.docker("volume", "ls", *own).splitlines())
        return {"containers": containers, "networks": networks, "volumes": volumes}

    def destroy(self) -> None:
        for name in self.containers():
            subprocess.run(["docker", "rm", "-fv", name], env=self.kit.environment(), check=False,
                           capture_output=True)  # fmt: skip
        for kind in ("network", "volume"):
            own = ["--filter", f"label={_LABEL}={self.name}"]
            for one in self.docker(kind, "ls", "-q", *own).split():
                subprocess.run(["docker", kind, "rm", one], env=self.kit.environment(),
                               check=False, capture_output=True)  # fmt: skip


_LABEL = "com.docker.compose.project"


def finish(process: "subprocess.Popen[str]", timeout_s: float = 120) -> Done:
    try:
        stdout, stderr = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        stdout, stderr = process.communicate()
        pytest.fail(f"no end within {timeout_s} s\n{stdout}\n{stderr}")
    return Done(process.returncode, stdout, stderr)
