"""Desired services and observed containers in few words, for tests of the pure engine."""

from pathlib import Path

from obsctl.engine.desired.hot_files import HotFiles
from obsctl.engine.desired.model import (
    Dependency,
    Desired,
    DesiredNetwork,
    DesiredService,
    DesiredVolume,
    HostPort,
)
from obsctl.engine.planning.observe import Container, Observed, Resource

FILE = Path("/srv/erp/stack/docker-compose.yml")
NETWORK = "erp_net"


def service(
    name: str,
    *depends_on: Dependency,
    spec_hash: str = "a",
    one_shot: bool = False,
    hot: HotFiles | None = None,
    port: int | None = None,
) -> DesiredService:
    """A service with a volume of its own name, and a reload over HTTP."""
    return DesiredService(
        name=name,
        container=f"erp-{name}-1",
        image=f"{name}:1",
        spec_hash=spec_hash,
        body={"HostConfig": {}},
        networks=(NETWORK,),
        volumes=() if one_shot else (f"erp_{name}",),
        depends_on=depends_on,
        ports=(HostPort("127.0.0.1", port),) if port else (),
        hot=hot or HotFiles(),
        reload="http:9090/-/reload",
        one_shot=one_shot,
    )


def desired(*services: DesiredService) -> Desired:
    volumes = [volume for one in services for volume in one.volumes]
    return Desired(
        "erp",
        FILE,
        {one.name: one for one in services},
        {NETWORK: DesiredNetwork(NETWORK, {})},
        {volume: DesiredVolume(volume, {}) for volume in volumes},
    )


def container(
    name: str, state: str = "running", *, suffix: str = "", spec_hash: str = "a", **more: object
) -> Container:
    """A container of the service, in sync unless told otherwise."""
    values: dict[str, object] = {
        "id": f"id-{name}{suffix}",
        "name": f"erp-{name}-1{suffix}",
        "service": name,
        "state": state,
        "image": f"{name}:1",
        "image_id": f"sha256:{name}",
        "spec_hash": spec_hash,
        "networks": (NETWORK,),
        "started_at": 1000.0,
        **more,
    }
    return Container(**values)  # type: ignore[arg-type]


def observed(wanted: Desired, *containers: Container, without: tuple[str, ...] = ()) -> Observed:
    """An Engine that has the network, volumes and images of `wanted`, but `without` some."""
    networks = [Resource(name, "erp") for name in wanted.networks if name not in without]
    volumes = [Resource(name, "erp") for name in wanted.volumes if name not in without]
    images = {
        one.image: f"sha256:{one.name}"
        for one in wanted.services.values()
        if one.image not in without
    }
    return Observed(containers, (), tuple(networks), tuple(volumes), images)
