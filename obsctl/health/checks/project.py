"""stack/ is what obsctl.yaml renders to: the first of the three ways to drift."""

from collections.abc import Iterator
from pathlib import PurePosixPath

from obsctl.health.context import Context
from obsctl.health.report import Finding

_SHOWN_LINES = 12


def stack_is_current(context: Context) -> Iterator[Finding]:
    """obsctl.yaml against stack/, file by file."""
    from obsctl.render.rendered import RenderedFile
    from obsctl.render.write import difference

    claim = context.claim("configuration", "stack/", "is what obsctl.yaml renders to")
    files = tuple(RenderedFile(PurePosixPath(path), text) for path, text in context.files.items())
    changes = difference(files, context.stack_directory).splitlines()
    if not changes:
        yield claim.ok(f"{len(files)} files equal")
        return
    # To say that one line more is left out would take as much room as the line.
    shown = changes if len(changes) == _SHOWN_LINES + 1 else changes[:_SHOWN_LINES]
    evidence = "\n".join(shown)
    if len(changes) > len(shown):
        evidence += f"\n... {len(changes) - len(shown)} more lines"
    yield claim.fail("stack-stale", evidence)
