"""What a user would have already: a Redis and an HTTP app, for a stack to watch.

They run on the host's network and listen on loopback and on docker0's address only: containers
reach them through host.docker.internal, other machines don't.
"""

from contextlib import closing
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


@dataclass(frozen=True, slots=True)
class Redis:
    """A running Redis, and the client that controls it."""

    client: docker.DockerClient
    redis: Container

    def remove(self) -> None:
        self.redis.remove(force=True)
        self.client.close()


def start_watched(docker_host: str, prefix: str, app_port: int, redis_port: int) -> Watched:
    """Start both; containers of the same names from an earlier run are replaced."""
    client = docker.DockerClient(base_url=docker_host)
    image = ensure_images(["http-app"])["http-app"]
    settings = {"PORT": str(app_port), "BIND": f"127.0.0.1,{_bridge(client)}"}
    redis = _redis(client, prefix, redis_port)
    app = _run(client, f"{prefix}-http-app", image, environment=settings)
    return Watched(client, redis, app)


def start_redis(docker_host: str, prefix: str, port: int) -> Redis:
    """Start Redis alone."""
    client = docker.DockerClient(base_url=docker_host)
    return Redis(client, _redis(client, prefix, port))


def remove_watched(docker_host: str, prefix: str) -> None:
    """Remove both, whichever there are."""
    with closing(docker.DockerClient(base_url=docker_host)) as client:
        for name in (f"{prefix}-redis", f"{prefix}-http-app"):
            _remove(client, name)


def address_for_containers(docker_host: str) -> str:
    """This machine's address on the default bridge: what host.docker.internal is."""
    with closing(docker.DockerClient(base_url=docker_host)) as client:
        return _bridge(client)


def _bridge(client: docker.DockerClient) -> str:
    return str(client.networks.get("bridge").attrs["IPAM"]["Config"][0]["Gateway"])


def _redis(client: docker.DockerClient, prefix: str, port: int) -> Container:
    image = ensure_images(["redis"])["redis"]
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", _bridge(client)]
    command += ["--protected-mode", "no", "--save", "", "--maxmemory", "64mb"]
    return _run(client, f"{prefix}-redis", image, command=command)


def _run(
    client: docker.DockerClient,
    name: str,
    image: str,
    command: list[str] | None = None,
    environment: dict[str, str] | None = None,
) -> Container:
    _remove(client, name)
    return client.containers.run(
        image,
        command,
        name=name,
        environment=environment or {},
        network_mode="host",
        detach=True,
    )


def _remove(client: docker.DockerClient, name: str) -> None:
    for old in client.containers.list(all=True, filters={"name": f"^/{name}$"}):
        old.remove(force=True)
