"""Which image each container runs: the pinned default, a mirror of it, or the user's own."""

import difflib
import re
from collections.abc import Mapping

from obsctl.catalog.model import Catalog
from obsctl.conventions import IMAGES
from obsctl.project.findings import Findings
from obsctl.project.schema import Project

_REGISTRY = "registry"
_PART = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
_HOST = r"[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]+)?"
_MIRROR = re.compile(rf"{_HOST}(?:/{_PART})*")
_TAG = r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})"
_DIGEST = r"(?:@sha256:[0-9a-f]{64})"
_REFERENCE = re.compile(rf"(?:{_HOST}/)?{_PART}(?:/{_PART})*(?:{_TAG}{_DIGEST}?|{_DIGEST})")


class Images:
    """Looks an image up by its key; every key of `stack.images` has been checked."""

    def __init__(self, project: Project, catalog: Catalog, findings: Findings) -> None:
        settings = project.stack.images
        self._own = {key: image for key, image in settings.items() if key != _REGISTRY}
        self._registry = settings.get(_REGISTRY)
        self._defaults = _defaults(catalog)
        _check(settings, [_REGISTRY, *sorted(self._defaults)], findings)

    def name(self, key: str) -> str:
        """The image to run for `key`, a key of `stack.images` or a full reference."""
        if key in self._own:
            return self._own[key]
        default = self._defaults[key]
        return mirrored(default, self._registry) if self._registry else default


def mirrored(image: str, registry: str) -> str:
    """The same image in a mirror, which takes the place of the registry in its name."""
    first, slash, rest = image.partition("/")
    has_registry = slash and ("." in first or ":" in first or first == "localhost")
    return f"{registry.rstrip('/')}/{rest if has_registry else image}"


def _defaults(catalog: Catalog) -> dict[str, str]:
    # An exporter of a user's own kind names its image in full: the name is the key then.
    exporters = (kind.exporter for kind in catalog.kinds.values())
    return IMAGES | {
        exporter.image: exporter.image
        for exporter in exporters
        if exporter and exporter.image not in IMAGES
    }


def _check(settings: Mapping[str, str], known: list[str], findings: Findings) -> None:
    for key, image in settings.items():
        path = ("stack", "images", key)
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean `{near[0]}`?" if near else f"images are: {', '.join(known)}"
            findings.add(path, f"unknown image `{key}` in `stack.images`", hint, key=True)
        elif key == _REGISTRY:
            if not _MIRROR.fullmatch(image.rstrip("/")):
                findings.add(path, f"`{image}` is no registry", "write host[:port][/path]")
        elif not _REFERENCE.fullmatch(image):
            hint = "write name:tag, such as prom/prometheus:v3.13.2; versions are pinned"
            findings.add(path, f"`{image}` is no image with a tag or digest", hint)
