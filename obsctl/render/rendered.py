"""One file of the rendered tree."""

from dataclasses import dataclass
from pathlib import PurePosixPath


@dataclass(frozen=True, slots=True)
class RenderedFile:
    """A file as it shall be on disk, in UTF-8; `path` is relative to stack/."""

    path: PurePosixPath
    text: str
