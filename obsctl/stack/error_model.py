"""Error tracking in the Stack: who collects exceptions, and how each service reaches it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ErrorProject:
    """Where one service sends its errors.

    `origin` is scheme, host and port as the service sees the tracker; empty where the DSN is the
    user's own.
    """

    service: str
    secret: str  # file under secrets/ with the DSN
    origin: str = ""


@dataclass(frozen=True, slots=True)
class ErrorTracking:
    """`tracker` is sentry or bugsink; `team` and `admin` are names in Bugsink."""

    tracker: str
    projects: tuple[ErrorProject, ...]
    team: str = ""
    admin: str = ""
    events: int = 0  # that Bugsink keeps of each project
