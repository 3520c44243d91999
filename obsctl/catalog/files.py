"""The files of the catalogue: one a kind, built in or in the project's own folder."""

from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

from obsctl.catalog.entry import Data, inherit
from obsctl.conventions import CATALOG_DIRECTORY
from obsctl.project.plain_yaml import load_plain

# Alerts on scrape targets as such: part of every catalogue, no kind of a service.
TARGET_KIND: Final = "target"
PROBE_KIND: Final = "probe"
# Kinds of what the blackbox exporter asks, and of targets as such: no service can have them.
STACK_KINDS: Final = frozenset({TARGET_KIND, PROBE_KIND, "bugsink"})
SUFFIX: Final = ".yaml"

_KINDS: Final = resources.files("obsctl.catalog") / "kinds"


def available_kinds(extra: Path | None = None) -> tuple[str, ...]:
    """Names of all kinds that a service can have; `extra` is the project's own folder."""
    return tuple(sorted({*built_in_names(), *own_files(extra)} - STACK_KINDS))


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
def built_in_names() -> frozenset[str]:
    """Names of the kinds that obsctl brings, with those that are in every catalogue."""
    files = (path.name for path in _KINDS.iterdir())
    return frozenset(name.removesuffix(SUFFIX) for name in files if name.endswith(SUFFIX))
