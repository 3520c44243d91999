"""The base image: Debian sid with the real programs, made by mmdebstrap."""

import io
import json
import re
import subprocess
import tarfile
from contextlib import suppress

import docker
from docker.errors import APIError

from tests.kit.cache import cache_root, content_key, locked, timed
from tests.kit.host import (
    KEYRING,
    KitUnavailable,
    admin_environment,
    debian_mirror,
    install_missing,
    require_debian_root,
)

_REPOSITORY = "kit/base"
PACKAGES = (
    "busybox",
    "curl",
    "prometheus",
    "prometheus-alertmanager",
    "prometheus-blackbox-exporter",
    "prometheus-elasticsearch-exporter",
    "prometheus-node-exporter",
    "prometheus-redis-exporter",
    "promtool",
    "python3",
    "python3-yaml",
    "redis-server",
    "tini",
)
# The official images have busybox's wget, and so do their health checks.
_HOOKS = ('ln -s busybox "$1/usr/bin/wget"',)
_LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*")


def ensure_base(api: docker.APIClient) -> str:
    """The base image's id; makes the image when the Engine has none of this recipe."""
    tag = content_key(PACKAGES, _HOOKS, _LEFT_OUT)
    if found := _find(api, tag):
        return found
    require_debian_root()
    install_missing({"mmdebstrap": "mmdebstrap"})
    with locked("base"):
        if found := _find(api, tag):
            return found
        with timed("making the base image"):
            return _make(api, tag)


def package_versions(api: docker.APIClient, image_id: str) -> dict[str, str]:
    """{package: version} of an image, read from its own dpkg database."""
    record = cache_root() / "versions" / f"{image_id.removeprefix('sha256:')[:16]}.json"
    if record.exists():
        return dict(json.loads(record.read_text(encoding="utf-8")))
    container = api.create_container(image_id, command=["true"])["Id"]
    try:
        chunks, _ = api.get_archive(container, "/var/lib/dpkg/status")
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
            member = archive.extractfile("status")
            text = member.read().decode() if member else ""
    finally:
        api.remove_container(container)
    found = dict(re.findall(r"^Package: (\S+)$.*?^Version: (\S+)$", text, re.MULTILINE | re.DOTALL))
    record.parent.mkdir(exist_ok=True)
    record.write_text(json.dumps(found), encoding="utf-8")
    return found


def _find(api: docker.APIClient, tag: str) -> str | None:
    found = api.images(filters={"reference": f"{_REPOSITORY}:{tag}"})
    return str(found[0]["Id"]) if found else None


def _make(api: docker.APIClient, tag: str) -> str:
    log = cache_root() / "mmdebstrap.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            _command(),
            env=admin_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
        with process:
            if process.stdout is None:  # pragma: no cover - PIPE was asked for
                raise KitUnavailable("mmdebstrap has no output")
            answer = api.import_image_from_stream(process.stdout)
    image_id = str(json.loads(answer.strip().splitlines()[-1]).get("status", ""))
    if process.returncode != 0 or not image_id.startswith("sha256:"):
        # A truncated tar imports without complaint: only now may the image get its name.
        with suppress(APIError):
            api.remove_image(image_id)
        tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-12:])
        raise KitUnavailable(f"mmdebstrap failed with exit code {process.returncode}:\n{tail}")
    api.tag(image_id, _REPOSITORY, tag)
    return image_id


def _command() -> list[str]:
    mirror = f"deb [signed-by={KEYRING}] {debian_mirror().uri} sid main"
    return [
        "mmdebstrap",
        "--variant=minbase",
        "--format=tar",
        "--dpkgopt=force-unsafe-io",
        '--aptopt=Acquire::Check-Valid-Until "false"',
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in _LEFT_OUT),
        *(f"--customize-hook={hook}" for hook in _HOOKS),
        f"--include={','.join(PACKAGES)}",
        "sid",
        "-",
        mirror,
    ]
