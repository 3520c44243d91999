"""The golden cases, and what obsctl makes of each now."""

from functools import cache
from pathlib import Path

from obsctl.cli.pipeline import Built, build
from obsctl.render.write import Changes, write

CASES = Path(__file__).parent
NAMES = tuple(sorted(path.parent.name for path in CASES.glob("*/obsctl.yaml")))


@cache
def built(name: str) -> Built:
    """What obsctl makes of the case."""
    return build(CASES / name / "obsctl.yaml")


def rendered(name: str) -> dict[str, str]:
    """Path -> text of the files that the case gives."""
    return {str(file.path): file.text for file in built(name).files}


def stored(name: str) -> dict[str, str]:
    """Path -> text of the files in the case's stack/, the manifest left out."""
    stack = CASES / name / "stack"
    return {
        path.relative_to(stack).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(stack.rglob("*"))
        if path.is_file() and path.parent / path.name != stack / ".obsctl-manifest.json"
    }


def rewrite(name: str) -> Changes:
    """Make the stored files what obsctl gives now; the review is the diff."""
    return write(built(name).files, built(name).stack_directory, force=True)
