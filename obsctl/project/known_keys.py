"""Which keys a section takes, and which of them a wrong one was meant to be."""

import types
import typing
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from obsctl.project.document import KeyPath
from obsctl.project.schema import Project

_SHOWN_MAX = 12


def known_keys_hint(name: str, known: Sequence[str]) -> str | None:
    """The nearest of `known`, or all of them where none is near."""
    if nearest := nearest_of(name, known):
        return f"did you mean `{nearest}`?"
    if not known:
        return None
    shown = ", ".join(f"`{key}`" for key in known[:_SHOWN_MAX])
    return f"known here: {shown}" + (", ..." if len(known) > _SHOWN_MAX else "")


def nearest_of(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` was probably meant to be."""
    by_lower = {key.lower(): key for key in known}
    found = get_close_matches(name.lower(), by_lower, 1, 0.6)
    return by_lower[found[0]] if found else None


def is_misspelt(data: Any, path: KeyPath) -> bool:  # noqa: ANN401 - unchecked input
    """Whether the key at `path` is not there, but one that was probably meant to be it."""
    for part in path[:-1]:
        data = data.get(part) if isinstance(data, dict) else None
    if not isinstance(data, dict) or path[-1] in data:
        return False
    known = fields_at(path[:-1])
    return any(nearest_of(str(key), known) == path[-1] for key in data if key not in known)


def fields_at(path: KeyPath) -> dict[str, FieldInfo]:
    """The settings of the section at `path`, by the names used in the file."""
    annotation: Any = Project
    for part in path:
        section = _section(annotation)
        if section is not None:
            field = _by_alias(section).get(str(part))
            annotation = field.annotation if field else None
        else:
            annotation = _element(annotation)
    section = _section(annotation)
    return {} if section is None else _by_alias(section)


def _by_alias(section: type[BaseModel]) -> dict[str, FieldInfo]:
    return {field.alias or name: field for name, field in section.model_fields.items()}


def _section(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - any annotation
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
        return next(filter(None, map(_section, typing.get_args(annotation))), None)
    return None


def _element(annotation: Any) -> Any:  # noqa: ANN401 - any annotation
    arguments = [part for part in typing.get_args(annotation) if part is not ...]
    return arguments[-1] if arguments else None
