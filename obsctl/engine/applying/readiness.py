"""Whether a container is ready: its own health check, its readiness endpoint, its exit."""

import http.client
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Final

from obsctl.engine.applying.context import Context
from obsctl.engine.components.reach import Endpoint, endpoint_of
from obsctl.engine.desired.model import DesiredService
from obsctl.engine.planning.causes import exit_cause
from obsctl.engine.planning.observe import Container, inspect_container
from obsctl.errors import EngineError, Problem

LOG_LINES: Final = 12
_RESTARTS_MAX: Final = 4
_STABLE_S: Final = 1.0
# Most are ready within half a second, and each of these pauses is an outage of a replaced one.
_PAUSES_S: Final = (*(0.02,) * 20, *(0.05,) * 10, 0.1, 0.1, 0.2, 0.3, 0.5)
_PROBE_TIMEOUT_S: Final = 1.0
_CHECK_TIMEOUT_S: Final = 30.0  # the Engine's own, of a health check that names none
_UNAUTHORIZED: Final = 401  # it serves; whether it is well is for its health check to say


@dataclass(slots=True)
class _Wait:
    """What is known while waiting: since when it runs and serves, and how often it began anew."""

    service: DesiredService
    active: bool
    restarts: int | None = None
    exit_code: int = 0  # the last one seen; while it runs again, the Engine tells 0
    was_unhealthy: bool | None = None  # left from before: a paused container fails its checks
    running_since: float | None = None
    serving_since: float | None = None

    def asks(self, endpoint: Endpoint) -> bool:
        """Whether the endpoint answers now."""
        if not is_answering(endpoint):
            self.serving_since = None
            return False
        self.serving_since = self.serving_since or time.monotonic()
        return True


def await_ready(context: Context, service: DesiredService, name: str, *, active: bool) -> float:
    """Wait until the container is ready (a one-shot: has ended well); EngineError when it is not.

    With `active` its health check is also run from here, at once and often: the Engine's own
    first check comes a whole interval after the start. Returns when it began to serve, by the
    monotonic clock: its health check may have taken longer to agree.
    """
    wait = _Wait(service, active)
    allowed_s = min(service.startup_s, context.timeout_s)
    deadline = time.monotonic() + allowed_s
    attempt = 0
    while True:
        context.interrupt.check()
        seen = context.watch.count
        container = inspect_container(context.engine, name)
        if container is None:
            raise EngineError(Problem(f"`{service.name}` was removed while it was waited for"))
        if _is_ready(context, wait, container):
            return wait.serving_since or time.monotonic()
        if fault := _fault(wait, container):
            raise _not_ready(context, service, container, fault)
        if time.monotonic() >= deadline:
            words = f"is not ready after {allowed_s:.0f} s ({container.health or container.state})"
            raise _not_ready(context, service, container, words)
        pause_s = _PAUSES_S[min(attempt, len(_PAUSES_S) - 1)]
        context.watch.wait(seen, min(pause_s, max(deadline - time.monotonic(), 0)))
        attempt += 1


def _is_ready(context: Context, wait: _Wait, container: Container) -> bool:
    if wait.service.one_shot:
        return container.state == "exited" and container.exit_code == 0
    if not container.is_running:
        wait.running_since = None
        return False
    if container.health == "healthy":
        return True
    if container.health == "unhealthy":
        return False
    wait.running_since = wait.running_since or time.monotonic()
    if not container.health:
        return _answers(context, wait, container)
    return wait.active and _passes_itself(context, wait, container)


def _answers(context: Context, wait: _Wait, container: Container) -> bool:
    """Without a health check: its published endpoint answers, or else it just keeps running."""
    endpoint = endpoint_of(context.engine, container, wait.service.ready or "")
    if endpoint and wait.asks(endpoint):
        return True
    # A container's own address need not be reachable from here.
    if endpoint and endpoint.published:
        return False
    return time.monotonic() - (wait.running_since or 0) >= _STABLE_S


def _passes_itself(context: Context, wait: _Wait, container: Container) -> bool:
    """Run the health check as the Engine would; the endpoint is asked first, as it is cheaper."""
    endpoint = endpoint_of(context.engine, container, wait.service.ready or "")
    if endpoint and endpoint.published and not wait.asks(endpoint):
        return False
    check = container.inspected["Config"].get("Healthcheck") or {}
    test = check.get("Test") or ["NONE"]
    if test[0] == "NONE":
        return True
    command = ["/bin/sh", "-c", *test[1:]] if test[0] == "CMD-SHELL" else list(test[1:])
    with suppress(EngineError):
        limit_s = int(check.get("Timeout") or 0) / 1e9 or _CHECK_TIMEOUT_S
        return context.engine.run(container.id, command, limit_s)[0] == 0
    return False


def is_answering(endpoint: Endpoint) -> bool:
    """Whether a readiness endpoint gives a 2xx answer now, or asks for a login."""
    try:
        with closing(endpoint.connection(_PROBE_TIMEOUT_S)) as connection:
            connection.request("GET", endpoint.path, headers=endpoint.access.headers)
            status = connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return False
    return 200 <= status < 300 or status == _UNAUTHORIZED  # noqa: PLR2004 - HTTP's own


def _fault(wait: _Wait, container: Container) -> str | None:
    """What makes further waiting useless."""
    wait.restarts = container.restarts if wait.restarts is None else wait.restarts
    wait.exit_code = container.exit_code or wait.exit_code
    if container.oom_killed:
        return f"was {exit_cause(container)}"
    if wait.was_unhealthy is None:
        wait.was_unhealthy = container.health == "unhealthy"
    is_unhealthy = container.health == "unhealthy" and not wait.was_unhealthy
    # What crashes fails its checks too, and the crashes are what to look for.
    if container.restarts - wait.restarts >= (1 if is_unhealthy else _RESTARTS_MAX):
        times = container.restarts
        return f"crashes again and again: exit code {wait.exit_code}, {times} restarts"
    if is_unhealthy:
        return "is unhealthy"
    if container.state in {"exited", "dead"}:
        return exit_cause(container)
    return None


def _not_ready(
    context: Context, service: DesiredService, container: Container, words: str
) -> EngineError:
    lines = last_words(context, container)
    said = "\n".join(("; its last words:", *lines)) if lines else "; it logged nothing"
    return EngineError(
        Problem(
            f"`{service.name}` {words}{said}",
            hint=f"`obsctl logs {service.name}` shows more while the container exists",
        )
    )


def last_words(context: Context, container: Container) -> list[str]:
    """The last log lines, and the output of the last failed health check."""
    lines: list[str] = []
    with suppress(EngineError):
        text = b"".join(context.engine.logs(container.id, tail=LOG_LINES))
        lines += text.decode("utf-8", "replace").splitlines()
    checks = (container.inspected["State"].get("Health") or {}).get("Log") or ()
    failed = [check for check in checks if check.get("ExitCode")]
    if failed:
        output = " ".join(str(failed[-1].get("Output", "")).split())
        lines.append(f"health check: exit code {failed[-1]['ExitCode']} {output[:300]}".rstrip())
    return lines
