"""Makes a running component take its changed files, and reads back that it did."""

import http.client
import time
from typing import Final

from obsctl.engine.context import Context
from obsctl.engine.model import DesiredService
from obsctl.engine.observe import Container, inspect_container
from obsctl.engine.plan import Operation
from obsctl.engine.reach import Endpoint, endpoint_of
from obsctl.engine.readback import read_back
from obsctl.errors import EngineError, Problem

_TIMEOUT_S: Final = 30.0
_OK: Final = 200


def reload_container(context: Context, operation: Operation) -> None:
    """Reload as the service's label says; EngineError with the component's own words if it fails.

    Then the files that it worked with are put back and loaded again: a reload is not atomic, and
    the next start would read what was refused.
    """
    service, container = _parts(context, operation)
    if (service.reload or "").partition(":")[0] == "auto" or container is None:
        context.tell(service.name, "takes its changed files by itself", "done")
        return
    context.tell(service.name, "reloading")
    began = time.monotonic()
    try:
        _load(context, service, container)
    except EngineError as error:
        context.journal.step(operation.key, f"put the files of {service.name} back")
        raise EngineError(*error.problems, _gone_back(context, operation)) from error
    milliseconds = (time.monotonic() - began) * 1000
    context.tell(service.name, f"reloaded in {milliseconds:.0f} ms, read back as written", "done")


def load_good_files(context: Context, operation: Operation) -> bool:
    """Put back the files that the component worked with and load them; False if there are none."""
    service, container = _parts(context, operation)
    if not context.good.has(service):
        return False
    context.good.put_back(service)
    if container is not None and (service.reload or "").partition(":")[0] != "auto":
        _load(context, service, container)
    return True


def _parts(context: Context, operation: Operation) -> tuple[DesiredService, Container | None]:
    if operation.service is None or operation.current is None:
        raise ValueError(operation.key)
    return operation.service, inspect_container(context.engine, operation.current.id)


def _gone_back(context: Context, operation: Operation) -> Problem:
    name = operation.resource
    try:
        if load_good_files(context, operation):
            return Problem(f"the last good files of `{name}` are back, and it has loaded them")
    except EngineError as error:
        return Problem(
            f"the last good files of `{name}` are back, but: {error}",
            hint=f"`docker restart` of its container makes `{name}` read them",
        )
    return Problem(f"no earlier files of `{name}` are known: what it refused is still in stack/")


def _load(context: Context, service: DesiredService, container: Container) -> None:
    kind, _, how = (service.reload or "").partition(":")
    endpoint = endpoint_of(context.engine, container, how) if kind == "http" else None
    if endpoint is not None:
        _post(service.name, endpoint)
    else:
        context.engine.signal(container.id, how if kind == "signal" else "HUP")
    if reason := read_back(context.engine, container, service):
        raise _refused(service.name, reason)


def _post(service: str, endpoint: Endpoint) -> None:
    connection = http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=_TIMEOUT_S)
    try:
        connection.request("POST", endpoint.path)
        response = connection.getresponse()
        words = " ".join(response.read().decode("utf-8", "replace").split())
    except (OSError, http.client.HTTPException) as error:
        raise _refused(service, f"{endpoint.url}: {error}") from None
    finally:
        connection.close()
    if response.status != _OK:
        raise _refused(service, f"HTTP {response.status}: {words[:600]}")


def _refused(service: str, words: str) -> EngineError:
    return EngineError(
        Problem(
            f"`{service}` refused its changed configuration: {words}",
            hint="it goes on with the configuration that it had; correct it and run `obsctl up`",
        )
    )
