"""Tells which files below stack/ a command has written or removed."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from obsctl.console import print_note
from obsctl.conventions import STACK_DIRECTORY
from obsctl.render.write import Changes

if TYPE_CHECKING:
    from obsctl.render.verify import Verification

_LISTED_MAX: Final = 8


def tell_changes(changes: Changes) -> None:
    """A line a file, or one line with the numbers by folder where they are many."""
    for verb, paths in (("wrote", changes.written), ("removed", changes.pruned)):
        for line in file_lines(verb, [str(path) for path in paths]):
            print_note(line)


def accept(verification: "Verification") -> None:
    """RenderError with what the checkers found; tells what could not be checked here."""
    from obsctl.render.verify import raise_on_problems

    raise_on_problems(verification)
    if verification.missed:
        print_note(f"checked in part: {'; '.join(verification.missed)}")


def file_lines(verb: str, paths: Sequence[str]) -> Iterator[str]:
    """What happens to each file, or how many there are in each folder."""
    if len(paths) <= _LISTED_MAX:
        yield from (f"{verb} {STACK_DIRECTORY}/{path}" for path in paths)
        return
    folders = Counter(path.partition("/")[0] if "/" in path else "" for path in paths)
    parts = (f"{name}/ {count}" if name else f"others {count}" for name, count in folders.items())
    yield f"{verb} {len(paths)} files below {STACK_DIRECTORY}/: " + ", ".join(sorted(parts))
