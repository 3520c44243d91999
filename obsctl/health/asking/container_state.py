"""What the Engine says of one container, in the form that checks need."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ContainerState:
    """One container of the project as the Engine sees it.

    `status` is created, running, paused, restarting, removing, exited or dead; `health` is
    starting, healthy, unhealthy, or None without a health check. `last_lines` is the end of its
    log and `health_output` what its last health check printed, where it is not well.
    """

    service: str
    name: str
    status: str
    health: str | None
    restarts: int
    oom_killed: bool
    exit_code: int
    started_at: float  # seconds since the epoch; 0 when it never ran
    labels: Mapping[str, str]
    last_lines: str = ""
    health_output: str = ""
    inspected: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


ContainerSource = Callable[[], tuple[ContainerState, ...]]
"""All containers of the project; raises EngineError with the Engine's plain words."""
