"""The golden cases, and what obsctl makes of each now."""

from pathlib import Path

from obsctl.cli.pipeline import build
from obsctl.render.write import Changes, write

CASES = Path(__file__).parent
NAMES = tuple(sorted(path.parent.name for path in CASES.glob("*/obsctl.yaml")))


def rendered(name: str) -> dict[str, str]:
    """Path -> text of the files that the case gives."""
    return {str(file.path): file.text for file in build(CASES / name / "obsctl.yaml").files}


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
    built = build(CASES / name / "obsctl.yaml")
    return write(built.files, built.stack_directory, force=True)
