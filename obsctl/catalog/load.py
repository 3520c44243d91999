"""Reads the catalogue: one file a kind, built in or from the project's own folder."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from obsctl.catalog.entry import kind
from obsctl.catalog.files import TARGET_KIND, built_in, built_in_names, own_files
from obsctl.catalog.model import Catalog, Kind
from obsctl.errors import Problem, ProjectFileError


def load_catalog(names: Iterable[str], extra: Path | None = None) -> Catalog:
    """The kinds named and those for every project; unknown names are left out.

    Raises ProjectFileError with every located problem of the project's own kinds, all of which
    are checked, in use or not.
    """
    own = _own_entries(extra)
    known = {*built_in_names(), *own}
    wanted = [*dict.fromkeys(names), TARGET_KIND]
    return Catalog({name: _kind(name, own) for name in wanted if name in known})


@cache
def _built_in_kind(name: str) -> Kind:
    return kind(name, built_in(name))


def _kind(name: str, own: dict[str, Kind]) -> Kind:
    return own[name] if name in own else _built_in_kind(name)


def _own_entries(extra: Path | None) -> dict[str, Kind]:
    files = own_files(extra)
    if not files:
        return {}
    # Pydantic and the located reader are for entries that nobody has checked yet.
    from obsctl.catalog.own import read_own

    problems: list[Problem] = []
    kinds: dict[str, Kind] = {}
    for name, path in files.items():
        try:
            kinds[name] = read_own(name, path, files)
        except ProjectFileError as error:
            problems.extend(error.problems)
    if problems:
        raise ProjectFileError(*problems)
    return kinds
