"""The project's containers as the Engine reports them, in the form that checks need."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any, Final

from obsctl.conventions import COMPOSE_NUMBER, COMPOSE_ONEOFF, COMPOSE_PROJECT, COMPOSE_SERVICE
from obsctl.engine.client import Engine
from obsctl.errors import EngineError
from obsctl.health.asking.container_state import ContainerSource, ContainerState
from obsctl.health.asking.times import parse_time

_LOG_LINES: Final = 10
_BRIDGE: Final = "bridge"
_NEVER: Final = "0001-01-01"


def containers_of(project: str) -> ContainerSource:
    """Asks the Engine when called; one listing, one inspection per container."""

    def ask() -> tuple[ContainerState, ...]:
        engine = Engine.open()
        listed = engine.containers(f"{COMPOSE_PROJECT}={project}", f"{COMPOSE_ONEOFF}=False")
        inspected = (engine.container(entry["Id"]) for entry in listed)
        return tuple(_state(engine, project, entry) for entry in inspected if entry)

    return ask


def host_addresses() -> tuple[str, ...]:
    """This machine's addresses on Docker's own bridge, which host.docker.internal leads to.

    Raises EngineError when the Engine cannot be asked.
    """
    bridges = [one for one in Engine.open().networks() if one["Name"] == _BRIDGE]
    plans = [plan for one in bridges for plan in (one.get("IPAM") or {}).get("Config") or ()]
    return tuple(plan["Gateway"] for plan in plans if plan.get("Gateway"))


def log_lines(project: str, service: str, lines: int) -> list[str]:
    """The last lines of a service's log; none when the Engine cannot be asked."""
    try:
        return _log(Engine.open(), f"{project}-{service}-1", lines).splitlines()
    except EngineError:
        return []


def _state(engine: Engine, project: str, entry: Mapping[str, Any]) -> ContainerState:
    state, labels = entry["State"], entry["Config"]["Labels"] or {}
    name = entry["Name"].removeprefix("/")
    started = state.get("StartedAt") or _NEVER
    health = (state.get("Health") or {}).get("Status")
    service = labels.get(COMPOSE_SERVICE, "")
    # A replaced container that waits for its removal carries the labels of the service as well.
    current = name == f"{project}-{service}-{labels.get(COMPOSE_NUMBER, '1')}"
    well = state["Status"] == "running" and health in (None, "none", "", "healthy")
    return ContainerState(
        service=service if current else "",
        name=name,
        status=state["Status"],
        health=None if health in ("none", "") else health,
        restarts=int(entry.get("RestartCount") or 0),
        oom_killed=bool(state.get("OOMKilled")),
        exit_code=int(state.get("ExitCode") or 0),
        started_at=0.0 if started.startswith(_NEVER) else parse_time(started),
        labels=labels,
        last_lines="" if well or _completed(state) else _log(engine, entry["Id"], _LOG_LINES),
        health_output=_health_output(state) if health == "unhealthy" else "",
        inspected=entry,
    )


def _completed(state: Mapping[str, Any]) -> bool:
    return state["Status"] == "exited" and state.get("ExitCode") == 0


def _log(engine: Engine, container: str, lines: int) -> str:
    text = b"".join(engine.logs(container, tail=lines)).decode("utf-8", "replace")
    # What stops again and again says the same again and again.
    return "\n".join(line for line, _ in groupby(text.rstrip().splitlines()))


def _health_output(state: Mapping[str, Any]) -> str:
    log = state["Health"].get("Log") or [{}]
    last = log[-1]
    return f"exit code {last.get('ExitCode')}: {str(last.get('Output', '')).strip()}"
