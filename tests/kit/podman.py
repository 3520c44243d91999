"""Podman's compatible service, from Debian's packages, in namespaces of its own."""

import shutil
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.kit.cache import cache_root, locked
from tests.kit.dockerd import engine_version
from tests.kit.host import KitUnavailable, admin_environment, install_missing, require_debian_root
from tests.kit.packages import library_path, unpack
from tests.kit.private import Namespaces, sweep

_PACKAGES = (
    *("podman", "conmon", "netavark", "aardvark-dns", "catatonit"),
    *("golang-github-containers-common", "golang-github-containers-image"),
    *("libassuan0", "libdevmapper1.02.1", "libglib2.0-0", "libgpgme11", "libsubid4"),
)
_SYSTEM = {"iptables": "iptables", "ip": "iproute2", "runc": "runc"}
_START_S = 30
# netavark keeps addresses and names there, whatever Podman's own directories are: those of a
# service that was ended with its containers would be told along with ours.
_OWN_NAMES = 'mkdir -p /run/containers && mount -t tmpfs tmpfs /run/containers && exec "$@"'
# Nothing of systemd is there to be asked, neither for control groups nor for a journal.
_CONFIGURATION = """\
[containers]
seccomp_profile = "{tree}/usr/share/containers/seccomp.json"
[engine]
cgroup_manager = "cgroupfs"
conmon_path = ["{tree}/usr/bin/conmon"]
events_logger = "file"
helper_binaries_dir = ["{tree}/usr/lib/podman"]
init_path = "{tree}/usr/bin/catatonit"
runtime = "runc"
[network]
network_backend = "netavark"
network_config_dir = "{directory}/run/networks"
"""


@dataclass(frozen=True)
class Podman:
    """A running service. Its published ports are reachable through `enter` only."""

    docker_host: str
    version: str
    enter: tuple[str, ...]


@contextmanager
def podman_service() -> Iterator[Podman]:
    """Run Podman's service with network, mounts, processes, data and socket of its own.

    Its images stay for the next time (images.load_into skips those), nothing else does.
    """
    require_debian_root()
    install_missing(_SYSTEM)
    tree = unpack("bookworm", _PACKAGES)
    directory = cache_root() / "podman"
    # Two services would take each other's containers for their own.
    with locked("podman"):
        environment = _prepare(tree, directory)
        with closing(Namespaces(environment)) as namespaces:
            service = _start(namespaces, directory, environment)
            sweep(service.docker_host)
            yield service


def _prepare(tree: Path, directory: Path) -> dict[str, str]:
    """Tidy up as a restart of the machine would; returns the environment to start with."""
    shutil.rmtree(directory / "run", ignore_errors=True)
    (directory / "run").mkdir(parents=True)
    configuration = directory / "containers.conf"
    configuration.write_text(_CONFIGURATION.format(tree=tree, directory=directory))
    policies = directory / "home" / ".config" / "containers"
    policies.mkdir(parents=True, exist_ok=True)
    shutil.copy(tree / "etc/containers/policy.json", policies)
    return admin_environment([tree / "usr/bin"]) | {
        "CONTAINERS_CONF": str(configuration),
        "CONTAINERS_REGISTRIES_CONF": str(tree / "etc/containers/registries.conf"),
        "HOME": str(directory / "home"),
        "LD_LIBRARY_PATH": library_path(tree),
    }


def _start(namespaces: Namespaces, directory: Path, environment: dict[str, str]) -> Podman:
    run = directory / "run"
    host = f"unix://{run}/podman.sock"
    places = {"root": directory / "data", "runroot": run / "root", "tmpdir": run / "tmp"}
    podman = ["podman", *(f"--{option}={place}" for option, place in places.items())]
    command = [*podman, "system", "service", "--time=0", host]
    with_names = ["sh", "-c", _OWN_NAMES, "sh", *command]
    process = namespaces.start(with_names, environment, log := run / "log")
    deadline = time.monotonic() + _START_S
    while not (version := engine_version(host)):
        if process.poll() is not None or time.monotonic() > deadline:
            told = log.read_text(errors="replace")[-1000:]
            raise KitUnavailable(f"Podman does not answer within {_START_S} s:\n{told}")
        time.sleep(0.1)
    return Podman(host, version, tuple(namespaces.network))
