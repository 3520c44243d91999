"""A project in Bugsink for every service that reports errors, and its DSN under secrets/."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from obsctl.conventions import BUGSINK_TOKEN, PORTS, SECRETS_DIRECTORY, STATE_DIRECTORY
from obsctl.engine.client import Engine
from obsctl.engine.components.bugsink import Bugsink
from obsctl.engine.components.reach import endpoint_of
from obsctl.engine.planning.observe import inspect_container
from obsctl.engine.run.lock import Waiting, project_lock
from obsctl.errors import EngineError, Problem
from obsctl.project import secret_files
from obsctl.stack.error_model import ErrorTracking

SERVICE: Final = "bugsink"

Tell = Callable[[str], None]


def complete_projects(
    project: str, tracking: ErrorTracking, root: Path, tell: Tell, wait_s: float
) -> None:
    """Make what is missing in the running Bugsink, and put each DSN where its service finds it.

    What is there already stays; `tell` is told what is made. EngineError when Bugsink cannot be
    asked, UsageError when a file cannot be written. A run that is cut off is finished by the next.
    """
    bugsink = _running(project, root)
    if any(_missing(bugsink, tracking)):
        # Two at once would both find nothing and both make it.
        with project_lock(root / STATE_DIRECTORY, Waiting(wait_s, tell, lambda: None)):
            _make(bugsink, tracking, tell)
    team = bugsink.team(tracking.team)
    found = bugsink.projects(team) if team else {}
    for one in tracking.projects:
        dsn = dsn_for(str(found[one.service]["dsn"]), one.origin)
        if secret_files.put(root, one.secret, dsn.encode()):
            tell(f"wrote {SECRETS_DIRECTORY}/{one.secret}: the DSN of {one.service}, {dsn}")


def dsn_for(dsn: str, origin: str) -> str:
    """A DSN as one service reaches it: the key and the number of its project, its own origin."""
    parts, own = urlsplit(dsn), urlsplit(origin)
    key = parts.netloc.rpartition("@")[0]
    number = parts.path.rpartition("/")[2]
    return f"{own.scheme}://{key}@{own.netloc}{own.path.rstrip('/')}/{number}"


def _running(project: str, root: Path) -> Bugsink:
    name = f"{project}-{SERVICE}-1"
    engine = Engine.open()
    container = inspect_container(engine, name)
    endpoint = endpoint_of(engine, container, f"{PORTS[SERVICE]}/") if container else None
    if endpoint is None:
        raise EngineError(
            Problem(
                "Bugsink cannot be asked for its DSNs: no port of it leads here",
                hint="see its `ports` in stack/docker-compose.yml and your patches of it",
            )
        )
    token = (root / SECRETS_DIRECTORY / BUGSINK_TOKEN).read_text(encoding="utf-8")
    return Bugsink(name, endpoint, token)


def _missing(bugsink: Bugsink, tracking: ErrorTracking) -> Iterator[str]:
    team = bugsink.team(tracking.team)
    found = bugsink.projects(team) if team else {}
    for one in tracking.projects:
        if one.service not in found or not _keeps(found[one.service], tracking.events):
            yield one.service


def _make(bugsink: Bugsink, tracking: ErrorTracking, tell: Tell) -> None:
    team = bugsink.team(tracking.team) or bugsink.add_team(tracking.team)
    found = bugsink.projects(team)
    for one in tracking.projects:
        there = found.get(one.service)
        if there is None:
            bugsink.add_project(team, one.service, tracking.events)
            tell(f"made the project {one.service} in Bugsink")
        elif not _keeps(there, tracking.events):
            bugsink.keep_events(int(there["id"]), tracking.events)


def _keeps(there: Mapping[str, Any], events: int) -> bool:
    return int(there["retention_max_event_count"]) == events
