"""One file of the rendered tree."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

_PIECE = 2**20


@dataclass(frozen=True, slots=True)
class RenderedFile:
    """A file as it shall be on disk, in UTF-8; `path` is relative to stack/."""

    path: PurePosixPath
    text: str


def encoded(text: str) -> Iterator[bytes]:
    """In UTF-8, piece by piece: the rules of hundreds of services are tens of megabytes."""
    return (text[at : at + _PIECE].encode() for at in range(0, len(text), _PIECE))
