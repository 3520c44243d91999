"""Plain YAML, fast: the parser in C gives events, and one loop makes data of them.

PyYAML's own way, by nodes that are resolved and constructed one by one, takes six times as long
and far more memory. Whatever is not plain (anchors, tags, merge keys) still goes that way.
"""

from functools import lru_cache
from typing import Any, Final

import yaml
from yaml import events
from yaml.constructor import SafeConstructor

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_RESOLVERS: Final = yaml.SafeLoader.yaml_implicit_resolvers  # by a scalar's first letter
_PLAIN_TAGS: Final = frozenset(
    f"tag:yaml.org,2002:{name}" for name in ("bool", "float", "int", "null", "timestamp")
)
_ENDS: Final = frozenset({events.MappingEndEvent, events.SequenceEndEvent})
_FRAMES: Final = frozenset(
    {
        events.StreamStartEvent,
        events.StreamEndEvent,
        events.DocumentStartEvent,
        events.DocumentEndEvent,
    }
)
_NO_KEY: Final = object()


class _NotPlainError(Exception):
    """Something that only PyYAML's own constructor knows."""


def load_plain(text: str | bytes) -> Any:  # noqa: ANN401 - any YAML
    """What `yaml.safe_load` gives; raises yaml.YAMLError as that does."""
    try:
        return _document(text)
    except _NotPlainError:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - the safe loader in C


def _document(text: str | bytes) -> object:
    documents: list[object] = []
    outer: list[tuple[Any, object]] = []
    inside: Any = documents
    key: object = _NO_KEY
    for event in yaml.parse(text, Loader=_Loader):
        kind = type(event)
        if kind in _ENDS:
            inside, key = outer.pop()
            continue
        if kind in _FRAMES:
            continue
        value = _scalar(event) if kind is events.ScalarEvent else _container(event)
        if inside.__class__ is list:
            inside.append(value)
        elif key is _NO_KEY:
            key = _checked_key(value)
            continue
        else:
            inside[key] = value
            key = _NO_KEY
        if kind is not events.ScalarEvent:
            outer.append((inside, key))
            inside, key = value, _NO_KEY
    if len(documents) != 1:
        raise _NotPlainError
    return documents[0]


def _scalar(event: Any) -> object:  # noqa: ANN401 - a scalar event
    if event.anchor is not None:
        raise _NotPlainError
    is_plain, is_quoted = event.implicit
    if not is_plain:
        if not is_quoted:
            raise _NotPlainError  # a tag of its own
        return event.value
    return _typed(event.value) if event.value[:1] in _RESOLVERS else event.value


@lru_cache(maxsize=4096)
def _typed(text: str) -> object:
    for tag, form in _RESOLVERS[text[:1]]:
        if form.match(text):
            if tag not in _PLAIN_TAGS:
                raise _NotPlainError
            return SafeConstructor().construct_object(yaml.ScalarNode(tag, text))
    return text


def _container(event: Any) -> object:  # noqa: ANN401 - an event that starts something
    if event.anchor is not None or event.tag is not None:
        raise _NotPlainError
    return {} if type(event) is events.MappingStartEvent else []


def _checked_key(value: object) -> object:
    if isinstance(value, dict | list):
        raise _NotPlainError
    return value
