"""Rendered files that `up` has yet to write: what the stack is about to be."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


def _nothing() -> None:
    """Nothing is to be written, or checked."""


@dataclass(frozen=True, slots=True)
class Coming:
    """`texts` and what is `gone`, by path relative to stack/; `write` makes it so.

    `check` comes before, and raises RenderError where the files are not fit to be used.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()
    write: Callable[[], None] = _nothing
    check: Callable[[], None] = _nothing

    def places(self, stack: Path) -> frozenset[Path]:
        """Every file and directory that will be there."""
        files = [stack / path for path in self.texts]
        return frozenset({*files, *(parent for file in files for parent in file.parents)})
