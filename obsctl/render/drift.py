"""How stack/ differs from what the project renders to: whose doing it is, and what it is."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from obsctl.conventions import COMPOSE_FILE, LABEL_SPEC_HASH
from obsctl.render.differences import unified
from obsctl.render.manifest import read_manifest
from obsctl.render.rendered import RenderedFile
from obsctl.render.write import files_in_place

_HUNK: Final = re.compile(r"@@ -(\d+)")
_SHOWN_LINES: Final = 8


@dataclass(frozen=True, slots=True)
class Drift:
    """Paths below stack/, sorted; `first` are the changed lines of one of them."""

    edited: tuple[str, ...] = ()  # by hand: `up` refuses to overwrite them
    behind: tuple[str, ...] = ()  # as obsctl wrote them, and the project has moved on
    missing: tuple[str, ...] = ()
    first: str = ""
    written: bool = True  # False where nothing was rendered yet

    def __bool__(self) -> bool:
        return bool(self.edited or self.behind or self.missing)


def drift(files: Iterable[RenderedFile], directory: Path) -> Drift:
    """Compare file by file; RenderError for symbolic links and a broken manifest."""
    wanted = {str(file.path): file.text for file in files}
    manifest = read_manifest(directory, force=True)
    current = files_in_place(directory, {*wanted, *manifest.paths})
    paths = (
        path
        for path in sorted({*wanted, *current})
        if path not in wanted or current.get(path) != wanted[path].encode()
    )
    edited: list[str] = []
    behind: list[str] = []
    missing: list[str] = []
    for path in paths:
        if path not in current:
            missing.append(path)
        else:
            (behind if manifest.wrote(path, current[path]) else edited).append(path)
    shown = min((*edited, *behind), key=lambda path: (path not in edited, path == COMPOSE_FILE),
                default=None)  # fmt: skip
    first = ""
    if shown:
        old, new = current[shown].decode(errors="replace"), wanted.get(shown, "")
        first = "\n".join(_changed(shown, old, new))
    return Drift(tuple(edited), tuple(behind), tuple(missing), first, bool(current))


def _changed(path: str, old: str, new: str) -> Iterator[str]:
    """The changed lines alone, below the place of the first."""
    changed: list[str] = []
    line = first = 0
    for text in unified(old, new, "", "").splitlines()[2:]:
        if hunk := _HUNK.match(text):
            line = int(hunk[1]) - 1
            continue
        line += text[0] != "+"
        # A hash of the definition says nothing that the definition does not say better.
        if text[0] != " " and LABEL_SPEC_HASH not in text:
            first = first or max(line, 1)
            changed.append(text)
    if not changed:
        changed, first = [f"only `{LABEL_SPEC_HASH}`"], 1
    yield f"{path}, line {first}:"
    # To say that one line more is left out would take as much room as the line.
    all_ = len(changed) <= _SHOWN_LINES + 1
    yield from changed if all_ else changed[:_SHOWN_LINES]
    if not all_:
        yield f"... {len(changed) - _SHOWN_LINES} more lines"
