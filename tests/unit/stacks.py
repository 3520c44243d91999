"""Makes a Project, its Stack and its files from the text of a project file."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from obsctl.cli.pipeline import resolve_project
from obsctl.errors import ObsctlError, ProjectFileError
from obsctl.render.render import render
from obsctl.stack.model import Service, Stack

MINIMAL = "version: 1\nproject: demo\n"


def resolved(directory: Path, text: str = "") -> Stack:
    """The Stack of a project file that begins with MINIMAL."""
    (directory / "obsctl.yaml").write_text(MINIMAL + text, encoding="utf-8")
    return resolve_project(directory / "obsctl.yaml")[1]


def rendered(directory: Path, text: str = "") -> dict[str, str]:
    """Path -> text of all files of that stack; rendered once where the text is all there is."""
    if any(path.name != "obsctl.yaml" for path in directory.iterdir()):
        return rendered_anew(directory, text)
    return dict(_rendered_alone(text))


def rendered_anew(directory: Path, text: str = "") -> dict[str, str]:
    return {str(file.path): file.text for file in render(resolved(directory, text), directory)}


@cache
def _rendered_alone(text: str) -> dict[str, str]:
    with TemporaryDirectory() as directory:
        return rendered_anew(Path(directory), text)


def service(stack: Stack, name: str) -> Service:
    return next(one for one in stack.services if one.name == name)


def refused(directory: Path, text: str) -> list[str]:
    """What is wrong with the project file: `line:column message` each, by place."""
    try:
        rendered(directory, text)
    except ProjectFileError as error:
        return told(error)
    return []


def told(error: ObsctlError) -> list[str]:
    return [
        f"{problem.location.line}:{problem.location.column} {problem.message}"
        if problem.location
        else problem.message
        for problem in error.problems
    ]
