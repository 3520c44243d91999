"""Collects what is wrong with the project file, each finding at its place."""

from collections.abc import Collection, Iterable

from obsctl.errors import Problem, ProjectFileError
from obsctl.project.document import Document, KeyPath


class Findings:
    """The problems that one stage finds; sorted by place, each told once.

    `muted` are places of which nothing is told: what is wrong there is known already.
    """

    def __init__(self, document: Document, muted: Collection[KeyPath] = ()) -> None:
        self.document = document
        self.paths: list[KeyPath] = []
        self._muted = muted
        self._problems: list[Problem] = list(document.problems)
        self._places = {problem.location for problem in self._problems}

    def add(
        self, path: KeyPath, message: str, hint: str | None = None, *, key: bool = False
    ) -> None:
        """Add a finding at the value (or the key) of `path`."""
        if any(path[: len(place)] == place for place in self._muted):
            return
        self.paths.append(path)
        location = self.document.locate(path, key=key)
        self._problems.append(self.document.problem(message, location, hint))
        self._places.add(location)

    def has_at(self, path: KeyPath) -> bool:
        """True where the value at `path` has a finding already."""
        return self.document.locate(path) in self._places

    @property
    def problems(self) -> tuple[Problem, ...]:
        return in_order(self._problems)

    def raise_any(self) -> None:
        """Raises ProjectFileError with all findings, if there are any, or would be at the muted."""
        if self._problems or self._muted:
            raise ProjectFileError(*self.problems)


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Each problem once, by its place."""
    return tuple(sorted(dict.fromkeys(problems), key=_position))


def _position(problem: Problem) -> tuple[int, int]:
    location = problem.location
    return (0, 0) if location is None else (location.line, location.column)
