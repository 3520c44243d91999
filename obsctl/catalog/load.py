"""Reads the catalogue: one file a kind, built in or from the project's own folder."""

from collections.abc import Iterable
from functools import cache, lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

from obsctl.catalog.entry import Data, inherit, kind
from obsctl.catalog.model import Catalog, Kind
from obsctl.conventions import CATALOG_DIRECTORY
from obsctl.errors import Problem, ProjectFileError
from obsctl.project.plain_yaml import load_plain

# Alerts on scrape targets as such: part of every catalogue, no kind of a service.
TARGET_KIND: Final = "target"
SUFFIX: Final = ".yaml"

_KINDS: Final = resources.files("obsctl.catalog") / "kinds"


def available_kinds(extra: Path | None = None) -> tuple[str, ...]:
    """Names of all kinds that a service can have; `extra` is the project's own folder."""
    return tuple(sorted({*_built_in_names(), *own_files(extra)} - {TARGET_KIND}))


def load_catalog(names: Iterable[str], extra: Path | None = None) -> Catalog:
    """The kinds named and those for every project; unknown names are left out.

    Raises ProjectFileError with every located problem of the project's own kinds, all of which
    are checked, in use or not.
    """
    own = _own_entries(extra)
    known = {*_built_in_names(), *own}
    wanted = [*dict.fromkeys(names), TARGET_KIND]
    return Catalog({name: _kind(name, own) for name in wanted if name in known})


def own_catalog(project_file: Path) -> Path | None:
    """The project's own folder of kinds, named as its file is; None where there is none."""
    folder = project_file.parent / CATALOG_DIRECTORY
    return folder if folder.is_dir() else None


def own_files(extra: Path | None) -> dict[str, Path]:
    """The files of the project's own folder, by the kind that each describes."""
    if extra is None:
        return {}
    return {path.stem: path for path in sorted(extra.glob(f"*{SUFFIX}"))}


@cache
def built_in(name: str) -> Data:
    """The plain data of a built-in kind, with what it inherits."""
    text = (_KINDS / f"{name}{SUFFIX}").read_text(encoding="utf-8")
    entry: dict[str, Any] = load_plain(text)
    base = entry.pop("extends", None)
    return inherit(entry, built_in(base)) if base else entry


@cache
def _built_in_kind(name: str) -> Kind:
    return kind(name, built_in(name))


@lru_cache(maxsize=1)
def _built_in_names() -> frozenset[str]:
    files = (path.name for path in _KINDS.iterdir())
    return frozenset(name.removesuffix(SUFFIX) for name in files if name.endswith(SUFFIX))


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
