"""Makes a running component take its changed files, and reads back that it did."""

import http.client
import time
from typing import Final

from obsctl.engine.context import Context
from obsctl.engine.observe import Container, inspect_container
from obsctl.engine.plan import Operation
from obsctl.engine.reach import Endpoint, endpoint_of
from obsctl.engine.readback import read_back
from obsctl.errors import EngineError, Problem

_TIMEOUT_S: Final = 30.0
_OK: Final = 200


def reload_container(context: Context, operation: Operation) -> None:
    """Reload as the service's label says; EngineError with the component's own words if it fails.

    The component goes on with the configuration that it had.
    """
    service = operation.service
    if service is None or operation.current is None:
        raise ValueError(operation.key)
    kind, _, how = (service.reload or "").partition(":")
    container = inspect_container(context.engine, operation.current.id)
    if kind == "auto" or container is None:
        context.tell(service.name, "takes its changed files by itself", "done")
        return
    context.tell(service.name, "reloading")
    began = time.monotonic()
    endpoint = endpoint_of(context.engine, container, how) if kind == "http" else None
    if endpoint is not None:
        _post(service.name, endpoint)
    else:
        context.engine.signal(container.id, how if kind == "signal" else "HUP")
    _confirm(context, container, operation)
    milliseconds = (time.monotonic() - began) * 1000
    context.tell(service.name, f"reloaded in {milliseconds:.0f} ms", "done")


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


def _confirm(context: Context, container: Container, operation: Operation) -> None:
    if operation.service is None:
        return
    if reason := read_back(context.engine, container, operation.service):
        raise _refused(operation.service.name, reason)
