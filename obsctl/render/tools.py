"""Upstream's own checkers, where PATH has them: promtool, amtool, docker compose."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from obsctl.conventions import COMPOSE_FILE

_DEADLINE_S = 120
_SHOWN_LINES = 6
# Go's collector: a fifth of the time of promtool's unit tests, for 50 MiB.
_LESS_COLLECTING = {"GOGC": "400"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a tool said about a file; with neither a complaint nor why it was missed, it agrees."""

    check: str
    file: str
    complaint: str | None = None
    line: int = 1
    missed: str | None = None


Check = Callable[[Path], Outcome]


def tool_checks() -> list[Check]:
    """The checks of a tree of rendered files, which each takes.

    Logstash tests its pipeline itself when it starts, and rules_slow_test.yml, which looks days
    back, is left to those who have the time.
    """
    prometheus, alertmanager = "prometheus/prometheus.yml", "alertmanager/alertmanager.yml"
    alerts, recordings = "prometheus/alert_rules.yml", "prometheus/recording_rules.yml"
    lint = ("check", "rules", "--lint=all", "--lint-fatal")
    return [
        partial(_run, "promtool", ("check", "config"), prometheus),
        partial(_run, "promtool", lint, alerts),
        partial(_run, "promtool", lint, recordings),
        partial(_run, "amtool", ("check-config",), alertmanager),
        _compose,
        # What these stumble over, the others tell better; they take longest, too.
        partial(_run, "promtool", ("test", "rules"), "prometheus/rules_test.yml"),
    ]


def _run(tool: str, arguments: tuple[str, ...], file: str, tree: Path) -> Outcome:
    check = f"{tool} {' '.join(word for word in arguments if word[0] != '-')} {file}"
    program = shutil.which(tool)
    if program is None:
        return Outcome(check, file, missed=f"{tool} is not on PATH")
    return _verdict(check, file, [program, *arguments, str(tree / file)], tree)


def _compose(tree: Path) -> Outcome:
    check = "docker compose config"
    command = compose_command()
    if command is None:
        return Outcome(check, COMPOSE_FILE, missed="docker compose is not on PATH")
    arguments = [*command, "-f", str(tree / COMPOSE_FILE), "config", "--quiet"]
    return _verdict(check, COMPOSE_FILE, arguments, tree)


def compose_command() -> list[str] | None:
    """Compose as a program of its own or as docker's plugin; not the retired version 1."""
    for command in (["docker-compose"], ["docker", "compose"]):
        if shutil.which(command[0]) is None:
            continue
        version = _call([*command, "version", "--short"])
        if version and version.returncode == 0 and not version.stdout.lstrip("v").startswith("1."):
            return command
    return None


def _verdict(check: str, file: str, command: list[str], tree: Path) -> Outcome:
    result = _call(command)
    if result is None:
        return Outcome(check, file, missed=f"{check} gave no answer within {_DEADLINE_S} s")
    if result.returncode == 0:
        return Outcome(check, file)
    if result.returncode < 0:
        # By ^C in its terminal, or for lack of memory: that says nothing of the files.
        name = signal.Signals(-result.returncode).name
        return Outcome(check, file, missed=f"{check} was ended by {name}")
    said = (result.stderr.strip() or result.stdout.strip()).replace(f"{tree}/", "")
    line = re.search(r"(?:\.yml:|line )([0-9]+)", said)
    complaint = "; ".join(part.strip() for part in said.splitlines()[:_SHOWN_LINES])
    return Outcome(check, file, complaint or "refused", int(line[1]) if line else 1)


def _call(command: list[str]) -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=_DEADLINE_S,
            stdin=subprocess.DEVNULL,
            env=_LESS_COLLECTING | os.environ,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
