"""Files below stack/ that are not as obsctl wrote them: somebody's work, not to be overwritten."""

from collections.abc import Mapping
from pathlib import Path

from obsctl.errors import Location, Problem
from obsctl.render.manifest import Manifest

_OVERWRITE = "overwrite it with `obsctl render --force`"


def foreign_files(
    directory: Path, manifest: Manifest, touched: Mapping[str, bytes]
) -> tuple[Problem, ...]:
    """A problem for each that obsctl did not write, out of those that a write would touch."""
    problems = []
    for path, content in touched.items():
        if manifest.wrote(path, content):
            continue
        location = Location(directory / path, 1, 1)
        if path not in manifest.paths:
            message = f"`{path}` is in the way and was not written by obsctl"
            hint = f"move it away, or {_OVERWRITE}"
        else:
            message = f"`{path}` was edited by hand; `obsctl render --check` shows the difference"
            hint = f"move your change to obsctl.yaml (`patches:`) or templates/, or {_OVERWRITE}"
        problems.append(Problem(message, location, hint))
    return tuple(problems)
