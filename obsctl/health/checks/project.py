"""stack/ is what obsctl.yaml renders to: the first of the three ways to drift."""

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Final

from obsctl.errors import RenderError
from obsctl.health.asking.context import Context
from obsctl.health.findings.report import Finding

_SHOWN: Final = 4


def stack_is_current(context: Context) -> Iterator[Finding]:
    """obsctl.yaml against stack/, file by file; an edit by hand is another cause than a delay."""
    from obsctl.render.drift import drift
    from obsctl.render.rendered import RenderedFile

    claim = context.claim("configuration", "stack/", "is what obsctl.yaml renders to")
    files = tuple(RenderedFile(PurePosixPath(path), text) for path, text in context.files.items())
    try:
        found = drift(files, context.stack_directory)
    except RenderError as error:
        yield claim.fail("stack-edited", error.problems[0].message)
        return
    except OSError as error:
        yield claim.fail("stack-edited", f"{error.filename}: {error.strerror}")
        return
    if not found:
        yield claim.ok(f"{len(files)} files equal")
    elif not found.written:
        yield claim.fail("stack-stale", f"not rendered yet: {len(files)} files are to be written")
    else:
        told = (
            (found.edited, "edited by hand"), (found.behind, "behind obsctl.yaml"),
            (found.missing, "missing"),
        )  # fmt: skip
        evidence = "; ".join(f"{_listed(paths)} {words}" for paths, words in told if paths)
        code = "stack-edited" if found.edited else "stack-stale"
        yield claim.fail(code, f"{evidence}\n{found.first}")


def _listed(paths: Sequence[str]) -> str:
    more = len(paths) - _SHOWN
    names = ", ".join(paths if more <= 1 else paths[:_SHOWN])
    return f"{names}{f' and {more} more' if more > 1 else ''} {'is' if len(paths) == 1 else 'are'}"
