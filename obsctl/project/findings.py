"""Collects what is wrong with the project file, each finding at its place."""

from obsctl.errors import Problem, ProjectFileError
from obsctl.project.document import Document, KeyPath


class Findings:
    """The problems that one stage finds; sorted by place, each told once."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._problems: list[Problem] = list(document.problems)
        self._places = {problem.location for problem in self._problems}

    def add(
        self, path: KeyPath, message: str, hint: str | None = None, *, key: bool = False
    ) -> None:
        """Add a finding at the value (or the key) of `path`."""
        location = self.document.locate(path, key=key)
        self._problems.append(self.document.problem(message, location, hint))
        self._places.add(location)

    def has_at(self, path: KeyPath) -> bool:
        """True where the value at `path` has a finding already."""
        return self.document.locate(path) in self._places

    @property
    def problems(self) -> tuple[Problem, ...]:
        unique = dict.fromkeys(self._problems)
        return tuple(sorted(unique, key=_position))

    def raise_any(self) -> None:
        """Raises ProjectFileError with all findings, when there are any."""
        if self._problems:
            raise ProjectFileError(*self.problems)


def _position(problem: Problem) -> tuple[int, int]:
    location = problem.location
    return (0, 0) if location is None else (location.line, location.column)
