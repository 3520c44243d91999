"""What is wrong with the right container, and the one action that mends it; pure."""

import os.path
from pathlib import Path

from obsctl.engine.desired.model import DesiredService
from obsctl.engine.planning.causes import exit_cause
from obsctl.engine.planning.observe import Container
from obsctl.engine.planning.plan import Action
from obsctl.engine.run.state import State

Mending = tuple[Action, DesiredService, str]


def mending(service: DesiredService, main: Container) -> Mending | None:
    """The action and its cause; None where the container is well."""
    return _fault(service, main) or _outdated(service, main)


def unmounted(
    service: DesiredService, container: Container, state: State, stack: Path
) -> str | None:
    """A container keeps the directory that it began with: another of its name is not seen.

    So it is after a checkout that takes `stack` away and brings it back. It has to be made anew:
    a restart alone would not go back when the files of that other directory do not work.
    """
    loaded = state.loaded.get(service.name)
    if loaded is None or loaded.container != container.id or not container.is_running:
        return None
    for source in service.sources:
        before = loaded.mounts.get(str(source.path), source.inode)
        # One that has not changed since the container's start was there already.
        is_newer = not source.inode or source.changed_at > container.started_at
        if before != source.inode and is_newer:
            place = os.path.relpath(source.path, stack.parent)
            return f"{place} is another directory now than the one that it mounts"
    return None


def _outdated(service: DesiredService, main: Container) -> Mending | None:
    """A start makes the Engine look the secrets' files up again; nothing else has changed."""
    changed = service.secrets_changed_after(main.started_at)
    if not changed:
        return None
    cause = f"secret {', '.join(changed)} changed"
    # A set-up has ended, and runs once more.
    return Action.RESTART if main.is_running else Action.START, service, cause


def _fault(service: DesiredService, main: Container) -> Mending | None:
    """What is wrong with the state of the right container, and what mends it."""
    if main.state == "paused":
        return Action.RESUME, service, "it is paused"
    if main.state == "created":
        return Action.START, service, "it was never started"
    if main.state == "restarting":
        return Action.RESTART, service, exit_cause(main)
    if main.state == "exited" and not (service.one_shot and main.exit_code == 0):
        return Action.START, service, exit_cause(main)
    if main.health == "unhealthy":
        return Action.RESTART, service, "it is unhealthy"
    return None
