"""promtool, amtool, docker and docker compose, as programs of Debian's newest packages."""

import os
from pathlib import Path

from tests.kit.cache import cache_root, locked
from tests.kit.dockerd import default_host
from tests.kit.engine import running_engine
from tests.kit.packages import unpack

_PACKAGES = ("docker-cli", "docker-compose", "prometheus-alertmanager", "promtool")
_PROGRAMS = {
    "amtool": "usr/bin/amtool",
    "docker": "usr/bin/docker",
    "docker-compose": "usr/libexec/docker/cli-plugins/docker-compose",
    "promtool": "usr/bin/promtool",
}


def ensure_tools() -> Path:
    """A bin directory that holds promtool, amtool, docker and docker-compose."""
    tree = unpack("sid", _PACKAGES)
    root = cache_root() / "tools"
    plugins = root / "docker" / "cli-plugins"
    with locked("tools"):
        plugins.mkdir(parents=True, exist_ok=True)
        (root / "bin").mkdir(exist_ok=True)
        for name, path in _PROGRAMS.items():
            _link(root / "bin" / name, tree / path)
        _link(plugins / "docker-compose", tree / _PROGRAMS["docker-compose"])
        config = root / "docker" / "config.json"
        if not config.exists():
            config.write_text("{}\n", encoding="utf-8")
    return root / "bin"


def tool_environment() -> dict[str, str]:
    """PATH, DOCKER_CONFIG and DOCKER_HOST that make the kit's tools the ones in use."""
    programs, engine = ensure_tools(), running_engine()
    return {
        "PATH": os.pathsep.join([str(programs), os.environ.get("PATH", os.defpath)]),
        "DOCKER_CONFIG": str(programs.parent / "docker"),
        "DOCKER_HOST": engine.docker_host if engine else default_host(),
    }


def _link(link: Path, target: Path) -> None:
    if link.is_symlink() and link.readlink() == target:
        return
    fresh = link.with_name(f".{link.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(link)
