"""Container images made from Debian packages: one base, and thin images named for the truth."""

import io
import re
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import docker

from tests.kit.base import ensure_base, package_versions
from tests.kit.cache import content_key, locked, timed
from tests.kit.engine import ensure_engine
from tests.kit.host import KitUnavailable

LABEL = "dev.obsctl.kit"
_SOURCES = Path(__file__).parent / "images"
_SHARED = "_shared"
# What a Dockerfile may copy of the host: whom it trusts, for downloads through its own mirror.
# It is no part of what an image is made from, and does not count when looking for changes.
_HOST = "_host"
_AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
_STACK = (
    "alertmanager",
    "blackbox-exporter",
    "elasticsearch",
    "elasticsearch-exporter",
    "grafana",
    "kibana",
    "logstash",
    "logstash-exporter",
    "mongodb-exporter",
    "node-exporter",
    "prometheus",
    "redis-exporter",
)
# What only the widest test watches: each holds packages of its own and is built when asked for.
WATCHED = ("mariadb", "nginx", "postgres", "rabbitmq")
WATCHERS = ("mysqld-exporter", "nginx-exporter", "postgres-exporter")
_ON_DEMAND = {*WATCHED, *WATCHERS, "bugsink"}


def image_names() -> list[str]:
    """Every image that the kit knows: the directories with a Dockerfile."""
    return sorted(path.parent.name for path in _SOURCES.glob("*/Dockerfile"))


def ensure_images(names: Iterable[str] | None = None) -> dict[str, str]:
    """Build what is missing or whose files changed; {name: reference} of all that were asked."""
    usual = set(image_names()) - _ON_DEMAND
    wanted = sorted(usual if names is None else set(names))
    if unknown := sorted(set(wanted) - set(image_names())):
        raise KitUnavailable(f"the kit has no image {', '.join(unknown)}")
    host = ensure_engine().docker_host
    with closing(docker.APIClient(base_url=host, version="auto", timeout=600)) as api:
        if _stale(api, recipes := _recipes(api, wanted)):
            with locked("images"):
                _build_all(host, _stale(api, recipes))
                _prune(api)
    return {recipe.name: recipe.reference for recipe in recipes}


def stack_images(*more: str) -> dict[str, str]:
    """A test project's `stack.images`: obsctl's image keys and the kit's references."""
    built = ensure_images((*_STACK, *more))
    return {name.replace("-", "_"): reference for name, reference in built.items()}


def load_into(docker_host: str, names: Iterable[str] | None = None) -> dict[str, str]:
    """Stream images from the main Engine into another one, which keeps what it has."""
    references = ensure_images(names)
    with (
        closing(docker.APIClient(version="auto", base_url=ensure_engine().docker_host)) as source,
        closing(docker.APIClient(version="auto", base_url=docker_host, timeout=600)) as target,
    ):
        have, offered = _keys_by_reference(target), _keys_by_reference(source)
        missing = [name for name in references.values() if have.get(name) != offered[name]]
        if missing:
            with timed(f"loading {len(missing)} images"):
                # docker-py saves one image at a time, and each time the shared base again.
                saved = source.get(
                    f"{source.base_url}/images/get",
                    params={"names": missing},
                    stream=True,
                )
                saved.raise_for_status()
                _load(target, saved.iter_content(1 << 20))
    return references


def _load(api: docker.APIClient, archive: Iterator[bytes]) -> None:
    for event in api.load_image(archive):  # type: ignore[no-untyped-call]
        if "error" in event:
            raise KitUnavailable(f"{api.base_url} refused an image: {event['error']}")


class _Recipe:
    """A directory's build context and the names that its content earns."""

    def __init__(self, name: str, base_id: str, versions: Mapping[str, str]) -> None:
        self.name = name
        self.context = _tar(_files(_SOURCES / name))
        self.base_id = base_id
        self.reference = f"kit/{name}:{_version(_SOURCES / name, versions)}"
        self.key = content_key(self.context, base_id, self.reference)

    def context_with_host(self) -> bytes:
        directory = _SOURCES / self.name
        if not _copies_from(directory, _HOST):
            return self.context
        return _tar(_files(directory) | {f"{_HOST}/{_AUTHORITIES.name}": _AUTHORITIES})


def _recipes(api: docker.APIClient, names: Iterable[str]) -> list[_Recipe]:
    base_id = ensure_base(api)
    versions = package_versions(api, base_id)
    return [_Recipe(name, base_id, versions) for name in names]


def _version(directory: Path, versions: Mapping[str, str]) -> str:
    """The tag: a literal, or `deb:PACKAGE` for the upstream version of that package."""
    try:
        text = (directory / "version").read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return "kit"
    if not text.startswith("deb:"):
        return text
    package = text.removeprefix("deb:")
    if package not in versions:
        raise KitUnavailable(f"{directory.name}/version: no package {package} in the base image")
    # [epoch:]upstream[+ds...][-revision]
    return re.sub(r"[+~-].*", "", versions[package].partition(":")[2] or versions[package])


def _files(directory: Path) -> dict[str, Path]:
    """The directory, and images/_shared beside it when the Dockerfile copies from there."""
    files = {str(path.relative_to(directory)): path for path in directory.rglob("*")}
    if _copies_from(directory, _SHARED):
        shared = (_SOURCES / _SHARED).rglob("*")
        files |= {str(path.relative_to(_SOURCES)): path for path in shared}
    return files


def _copies_from(directory: Path, folder: str) -> bool:
    return f"{folder}/" in (directory / "Dockerfile").read_text(encoding="utf-8")


def _tar(files: Mapping[str, Path]) -> bytes:
    """A build context, with the same bytes for the same content."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, path in sorted(files.items()):
            if path.is_file() and "__pycache__" not in path.parts:
                _add(archive, name, path)
    return buffer.getvalue()


def _add(archive: tarfile.TarFile, name: str, path: Path) -> None:
    data = path.read_bytes()
    member = tarfile.TarInfo(name)
    member.size = len(data)
    member.mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
    archive.addfile(member, io.BytesIO(data))


def _keys_by_reference(api: docker.APIClient) -> dict[str, str]:
    """Podman's names of what has no registry are taken for the same."""
    return {
        reference.removeprefix("localhost/"): image["Labels"][LABEL]
        for image in api.images(filters={"label": LABEL})
        for reference in image["RepoTags"] or []
    }


def _stale(api: docker.APIClient, recipes: Iterable[_Recipe]) -> list[_Recipe]:
    built = _keys_by_reference(api)
    return [recipe for recipe in recipes if built.get(recipe.reference) != recipe.key]


def _prune(api: docker.APIClient) -> None:
    """Drop what was rebuilt under the same name."""
    api.prune_images(filters={"dangling": True, "label": LABEL})  # type: ignore[no-untyped-call]


def _build_all(docker_host: str, recipes: list[_Recipe]) -> None:
    if not recipes:
        return
    with (
        timed(f"building {', '.join(recipe.reference for recipe in recipes)}"),
        ThreadPoolExecutor(4) as pool,
    ):
        list(pool.map(lambda recipe: _build(docker_host, recipe), recipes))


def _build(docker_host: str, recipe: _Recipe) -> None:
    with closing(docker.APIClient(base_url=docker_host, version="auto", timeout=600)) as api:
        events: Iterator[dict[str, Any]] = api.build(
            fileobj=io.BytesIO(recipe.context_with_host()),
            custom_context=True,
            buildargs={"BASE": recipe.base_id},
            labels={LABEL: recipe.key},
            tag=recipe.reference,
            rm=True,
            forcerm=True,
            decode=True,
        )
        said: list[str] = []
        for event in events:
            said.append(str(event.get("stream", "")))
            if "error" in event:
                tail = "".join(said)[-1500:]
                raise KitUnavailable(f"building {recipe.reference}: {event['error']}\n{tail}")
