"""A whole project under test: obsctl.yaml in a folder, the CLI, and the APIs of what runs."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.kit.ports import free_ports

OBSCTL = str(Path(sys.executable).with_name("obsctl"))
_UNTIL_S = 60.0


@dataclass(frozen=True, slots=True)
class Result:
    """A finished command: exit code and what it printed."""

    code: int
    stdout: str
    stderr: str

    @property
    def text(self) -> str:
        return self.stdout + self.stderr


@dataclass(slots=True)
class ProjectUnderTest:
    """obsctl.yaml with ports of its own; `settings` go into the file as they are."""

    folder: Path
    name: str
    images: dict[str, str]
    environment: dict[str, str]
    ports: dict[str, int] = field(default_factory=dict)

    def write(
        self,
        services: str,
        prometheus: str = "",
        more: str = "",
        stack: str = "  without: [ elk, grafana ]",
    ) -> None:
        """Write obsctl.yaml: a stack that scrapes every second, metrics only unless asked."""
        for component in ("prometheus", "alertmanager", "grafana"):
            self.ports.setdefault(component, free_port())
        images = "\n".join(f"    {key}: {value}" for key, value in sorted(self.images.items()))
        settings = f"scrape_interval: 1s, evaluation_interval: 1s{prometheus}"
        text = f"""\
version: 1
project: {self.name}
services:
{services}
{more}
stack:
{stack}
  prometheus: {{ port: {self.ports["prometheus"]}, {settings} }}
  alertmanager: {{ port: {self.ports["alertmanager"]} }}
  images:
{images}
"""
        (self.folder / "obsctl.yaml").write_text(text)

    def obsctl(self, *arguments: str, environment: dict[str, str] | None = None) -> Result:
        return self.run(OBSCTL, *arguments, environment=environment)

    def compose(self, *arguments: str) -> Result:
        file = str(self.folder / "stack" / "docker-compose.yml")
        return self.run("docker-compose", "-p", self.name, "-f", file, *arguments)

    def run(self, *command: str, environment: dict[str, str] | None = None) -> Result:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment | (environment or {}),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def prometheus(self, path: str, **query: str) -> Any:  # noqa: ANN401 - JSON
        port = self.ports["prometheus"]
        url = f"http://127.0.0.1:{port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        return read_json(url)["data"]

    def targets(self) -> dict[str, str]:
        """Health of each scrape target by job, as Prometheus itself says it."""
        active = self.prometheus("targets", state="active")["activeTargets"]
        return {target["labels"]["job"]: target["health"] for target in active}

    def firing(self) -> set[tuple[str, str]]:
        """(alertname, service) of what is active in Alertmanager's own API."""
        url = f"http://127.0.0.1:{self.ports['alertmanager']}/api/v2/alerts?active=true"
        return {
            (alert["labels"]["alertname"], alert["labels"].get("service", ""))
            for alert in read_json(url)
        }


def read_json(url: str) -> Any:  # noqa: ANN401 - JSON
    with urllib.request.urlopen(url, timeout=5) as answer:
        return json.load(answer)


def free_port() -> int:
    """A port that nothing listens on, and that no other test is given."""
    return free_ports(1)[0]


def eventually(holds: Callable[[], bool], what: str, within_s: float = _UNTIL_S) -> None:
    """Ask until the claim holds; a component that does not answer yet only delays."""
    until = time.monotonic() + within_s
    last: object = None
    while time.monotonic() < until:
        try:
            if holds():
                return
            last = "it answered otherwise"
        except (OSError, urllib.error.URLError, KeyError) as error:
            last = error
        time.sleep(0.1)
    raise AssertionError(f"not within {within_s:.0f} s: {what} ({last})")


def clean_environment(extra: dict[str, str]) -> dict[str, str]:
    return {**os.environ, **extra, "NO_COLOR": "1"}
