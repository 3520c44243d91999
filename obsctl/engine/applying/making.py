"""Makes one container out of a desired service."""

from typing import Any

from obsctl.engine.client import Engine
from obsctl.engine.connection.api_version import ApiVersion
from obsctl.engine.desired.model import LABEL_IMAGE, DesiredService
from obsctl.errors import EngineError, Problem

_SEVERAL_NETWORKS = ApiVersion(1, 44)


def make_container(engine: Engine, service: DesiredService, name: str) -> str:
    """Create the container under `name`, attached to its networks; returns the id."""
    image = engine.image(service.image)
    if image is None:
        raise EngineError(Problem(f"image `{service.image}` is gone from the Engine"))
    labels = {**service.body["Labels"], LABEL_IMAGE: image["Id"]}
    body: dict[str, Any] = {**service.body, "Labels": labels}
    endpoints = {network: {"Aliases": list(service.aliases)} for network in service.networks}
    # An older Engine takes only the first network here.
    late = list(endpoints)[1:] if engine.api < _SEVERAL_NETWORKS else []
    now = {network: one for network, one in endpoints.items() if network not in late}
    if now:
        body["NetworkingConfig"] = {"EndpointsConfig": now}
    made = engine.create_container(name, body)
    for network in late:
        engine.attach(network, made, endpoints[network])
    return made
