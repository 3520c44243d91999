"""What is wrong with the right container, and the one action that mends it; pure."""

from obsctl.engine.causes import exit_cause
from obsctl.engine.model import DesiredService
from obsctl.engine.observe import Container
from obsctl.engine.plan import Action

Mending = tuple[Action, DesiredService, str]


def mending(service: DesiredService, main: Container) -> Mending | None:
    """The action and its cause; None where the container is well."""
    return _fault(service, main) or _outdated(service, main)


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
