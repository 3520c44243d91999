"""Renders a project anew, to compare it with stack/ or to write it there."""

from pathlib import Path

from obsctl.cli.files import accept, tell_changes
from obsctl.cli.pipeline import build
from obsctl.console import print_diff
from obsctl.render.verify import verify
from obsctl.render.write import difference, is_stale, write


def print_difference(file: Path) -> int:
    """Print what a rendering would change; 1 where there is something, else 0."""
    built = build(file)
    stale = difference(built.files, built.stack_directory)
    if stale:
        print_diff(stale)
    return 1 if stale else 0


def write_files(file: Path, inputs: str | None, *, force: bool) -> int:
    """Write what is stale, once it is verified; returns the number of all rendered files."""
    built = build(file)
    if is_stale(built.files, built.stack_directory):
        accept(verify(built.files, built.stack_directory))
    tell_changes(write(built.files, built.stack_directory, force=force))
    built.remember(inputs)
    return len(built.files)
