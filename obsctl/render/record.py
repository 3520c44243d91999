"""The last rendering, remembered beside the project: whether stack/ is still what it was."""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from obsctl.conventions import MANIFEST_FILE, STACK_DIRECTORY, STATE_DIRECTORY
from obsctl.errors import RenderError
from obsctl.project.derived import Derived
from obsctl.render.inputs import files_digest, fingerprint
from obsctl.render.manifest import Manifest, read_manifest, sha256
from obsctl.render.rendered import RenderedFile
from obsctl.render.write import files_in_place

if TYPE_CHECKING:
    from obsctl.stack.error_model import ErrorTracking

RECORD_FILE: Final = "rendered.json"
_FORMAT: Final = 4


@dataclass(frozen=True, slots=True)
class Rendered:
    """What commands need of a project whose stack/ is in sync with its file."""

    project: str
    files: int
    generated_secrets: tuple[str, ...]
    given_secrets: tuple[str, ...]
    endpoints: tuple[tuple[str, str, str], ...]
    # Secret -> its source in the form of the project file.
    sources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    derived: Derived = field(default_factory=Derived)
    patterns: tuple[str, ...] = ()  # of the project's own dashboards
    errors: "ErrorTracking | None" = None
    urls: tuple[str, ...] = ()  # the secrets that are addresses of receivers


def recall(project_file: Path, inputs: str | None) -> Rendered | None:
    """The last rendering where `inputs` are those that it was made from, and nobody has touched it.

    None where that is not certain: then everything has to be rendered and compared.
    """
    root = project_file.absolute().parent
    try:
        data = json.loads((root / STATE_DIRECTORY / RECORD_FILE).read_bytes())
        if inputs is None or (data["format"], data["inputs"]) != (_FORMAT, inputs):
            return None
        manifest, rendered = str(data["manifest"]), _rendered(data["rendered"])
        if data["dashboards"] != files_digest(root, rendered.patterns):
            return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return rendered if _is_in_place(root / STACK_DIRECTORY, manifest) else None


def remember(
    project_file: Path,
    inputs: str | None,
    files: Iterable[RenderedFile],
    rendered: Rendered,
    dashboards: str | None,
) -> None:
    """Keep the rendering that was made from `inputs` and is on disk now.

    `dashboards` is the hash of the files that its patterns name.
    """
    # An edit while it was being rendered: nobody knows which state was read.
    if None in (inputs, dashboards) or fingerprint(project_file) != inputs:
        return
    manifest = Manifest({str(file.path): sha256(file.text.encode()) for file in files})
    document = {
        "format": _FORMAT,
        "inputs": inputs,
        "dashboards": dashboards,
        "manifest": sha256(manifest.text().encode()),
        "rendered": asdict(rendered),
    }
    path = project_file.absolute().parent / STATE_DIRECTORY / RECORD_FILE
    temporary = path.with_suffix(".tmp")
    # Without it the next run takes longer, that is all.
    with suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        temporary.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        temporary.replace(path)


def _is_in_place(directory: Path, manifest_hash: str) -> bool:
    """True where the manifest is the one remembered, and every file is as it says."""
    try:
        manifest = read_manifest(directory)
        found = files_in_place(directory, (*manifest.files, MANIFEST_FILE))
    except (RenderError, OSError):
        return False
    if sha256(found.pop(MANIFEST_FILE, b"")) != manifest_hash:
        return False
    return {path: sha256(content) for path, content in found.items()} == manifest.files


def _rendered(data: Mapping[str, Any]) -> Rendered:
    return Rendered(
        project=str(data["project"]),
        files=int(data["files"]),
        generated_secrets=tuple(map(str, data["generated_secrets"])),
        given_secrets=tuple(map(str, data["given_secrets"])),
        endpoints=tuple((str(name), str(url), str(note)) for name, url, note in data["endpoints"]),
        sources={str(name): dict(source) for name, source in data["sources"].items()},
        derived=Derived.read(data["derived"]),
        patterns=tuple(map(str, data["patterns"])),
        errors=_tracking(data["errors"]),
        urls=tuple(map(str, data["urls"])),
    )


def _tracking(data: Mapping[str, Any] | None) -> "ErrorTracking | None":
    if data is None:
        return None
    from obsctl.stack.error_model import ErrorProject, ErrorTracking

    projects = tuple(ErrorProject(**one) for one in data["projects"])
    return ErrorTracking(**{**data, "projects": projects})
