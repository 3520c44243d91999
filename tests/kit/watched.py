"""What a user would have already: a Redis and an HTTP app, for a stack to watch.

They run on the host's network and listen on loopback and on docker0's address only: containers
reach them through host.docker.internal, other machines don't.
"""

from dataclasses import dataclass

import docker
from docker.models.containers import Container

from tests.kit.images import ensure_images


@dataclass(frozen=True, slots=True)
class Watched:
    """Two running containers, and the client that controls them."""

    client: docker.DockerClient
    redis: Container
    app: Container

    def remove(self) -> None:
        for container in (self.redis, self.app):
            container.remove(force=True)
        self.client.close()


def start_watched(docker_host: str, prefix: str, app_port: int, redis_port: int) -> Watched:
    """Start both; containers of the same names from an earlier run are replaced."""
    images = ensure_images(["redis", "http-app"])
    client = docker.DockerClient(base_url=docker_host)
    bridge = client.networks.get("bridge").attrs["IPAM"]["Config"][0]["Gateway"]
    command = ["redis-server", "--port", str(redis_port), "--bind", "127.0.0.1", bridge]
    command += ["--protected-mode", "no", "--save", ""]
    settings = {"PORT": str(app_port), "BIND": f"127.0.0.1,{bridge}"}
    redis = _run(client, f"{prefix}-redis", images["redis"], command=command)
    app = _run(client, f"{prefix}-http-app", images["http-app"], environment=settings)
    return Watched(client, redis, app)


def _run(
    client: docker.DockerClient,
    name: str,
    image: str,
    command: list[str] | None = None,
    environment: dict[str, str] | None = None,
) -> Container:
    for old in client.containers.list(all=True, filters={"name": f"^/{name}$"}):
        old.remove(force=True)
    return client.containers.run(
        image,
        command,
        name=name,
        environment=environment or {},
        network_mode="host",
        detach=True,
    )
