"""Servers that a user might have: PostgreSQL, MariaDB, nginx and RabbitMQ, for a stack to watch.

Like tests.kit.watched they run on the host's network; all but RabbitMQ, which knows one address
for its metrics only, listen on loopback and on docker0's address.
"""

from dataclasses import dataclass

import docker
from docker.models.containers import Container

from tests.kit.images import WATCHED, ensure_images
from tests.kit.ports import free_ports

USER, PASSWORD = "exporter", "kit-password"  # in the images of both databases
_RABBITMQ_PORTS = 4


@dataclass(frozen=True, slots=True)
class Servers:
    """The running containers; `ports` by image, RabbitMQ's is that of its metrics."""

    client: docker.DockerClient
    containers: tuple[Container, ...]
    ports: dict[str, int]

    def remove(self) -> None:
        for container in self.containers:
            container.remove(force=True, v=True)
        self.client.close()


def start_servers(docker_host: str, prefix: str) -> Servers:
    """Start all; containers of the same names from an earlier run are replaced."""
    images = ensure_images(WATCHED)
    client = docker.DockerClient(base_url=docker_host)
    bridge = client.networks.get("bridge").attrs["IPAM"]["Config"][0]["Gateway"]
    postgres, mariadb, nginx, rabbitmq = free_ports(3 + _RABBITMQ_PORTS)[:4]
    both = f"127.0.0.1,{bridge}"
    listen = f"127.0.0.1:{nginx},{bridge}:{nginx}"
    settings: dict[str, tuple[list[str], dict[str, str]]] = {
        "postgres": (["-p", str(postgres), "-c", f"listen_addresses={both}"], {}),
        "mariadb": ([f"--port={mariadb}", f"--bind-address={both}"], {}),
        "nginx": ([], {"LISTEN": listen}),
        "rabbitmq": ([], {"PORT": str(rabbitmq)}),
    }
    containers = []
    for name, (command, environment) in settings.items():
        for old in client.containers.list(all=True, filters={"name": f"^/{prefix}-{name}$"}):
            old.remove(force=True, v=True)
        container = client.containers.run(
            images[name],
            command,
            name=f"{prefix}-{name}",
            environment=environment,
            network_mode="host",
            detach=True,
        )
        containers.append(container)
    ports = {"postgres": postgres, "mariadb": mariadb, "nginx": nginx, "rabbitmq": rabbitmq + 1}
    return Servers(client, tuple(containers), ports)
