"""Alertmanager's matchers, and the way an alert takes through its routing tree; pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

_MATCHER: Final = re.compile(
    r"""\s*,?\s*(?P<label>"(?:[^"\\]|\\.)*"|[^\s=!~,{}"]+)\s*(?P<op>=~|!~|!=|=)\s*"""
    r"""(?P<value>"(?:[^"\\]|\\.)*"|[^\s,{}"]*)\s*"""
)
_ESCAPE: Final = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True, order=True)
class Matcher:
    """`label op value` with op one of =, !=, =~, !~; a label that is missing counts as empty."""

    label: str
    op: str
    value: str

    def __str__(self) -> str:
        quoted = self.value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
        return f'{self.label}{self.op}"{quoted}"'

    def matches(self, labels: Mapping[str, str]) -> bool:
        value = labels.get(self.label, "")
        if self.op in ("=", "!="):
            return (value == self.value) == (self.op == "=")
        return (re.fullmatch(self.value, value) is not None) == (self.op == "=~")


def parse_matchers(texts: str | Iterable[str]) -> tuple[Matcher, ...]:
    """Sorted matchers of `a="b"`, `{a="b", c=~"d"}` or a list of such; ValueError if malformed."""
    lines = [texts] if isinstance(texts, str) else list(texts)
    return tuple(sorted(matcher for line in lines for matcher in _parse_line(line)))


def _parse_line(line: str) -> Iterable[Matcher]:
    text = line.strip()
    if text.startswith("{") and text.endswith("}"):
        text = text[1:-1]
    position = 0
    while text[position:].strip(" ,"):
        match = _MATCHER.match(text, position)
        if match is None:
            raise ValueError(f"`{line}` is no matcher")
        yield Matcher(_unquoted(match["label"]), match["op"], _unquoted(match["value"]))
        position = match.end()


def _unquoted(text: str) -> str:
    if not text.startswith('"'):
        return text
    return _ESCAPE.sub(lambda found: "\n" if found[1] == "n" else found[1], text[1:-1])


@dataclass(frozen=True, slots=True)
class Stop:
    """Where an alert ends up: a receiver, how it got there, and when it is told."""

    receiver: str
    path: tuple[str, ...]  # matchers of each route on the way, the root first
    group_by: tuple[str, ...]
    group_wait: str
    repeat_interval: str


_DEFAULTS: Final[Mapping[str, Any]] = {
    "receiver": "",
    "group_by": (),
    "group_wait": "30s",
    "repeat_interval": "4h",
}


def route_of(config: Mapping[str, Any], labels: Mapping[str, str]) -> tuple[Stop, ...]:
    """Every receiver that `labels` reach in a parsed alertmanager.yml, as Alertmanager decides."""
    return tuple(_walk(config.get("route") or {}, labels, _DEFAULTS, ()))


def _walk(
    route: Mapping[str, Any],
    labels: Mapping[str, str],
    inherited: Mapping[str, Any],
    path: tuple[str, ...],
) -> list[Stop]:
    matchers = _matchers_of(route)
    if not all(matcher.matches(labels) for matcher in matchers):
        return []
    own = {key: route.get(key) or value for key, value in inherited.items()}
    here = (*path, ", ".join(map(str, matchers)) or "default")
    stops: list[Stop] = []
    for child in route.get("routes") or ():
        found = _walk(child, labels, own, here)
        stops += found
        if found and not child.get("continue"):
            break
    return stops or [_stop(own, here)]


def _stop(settings: Mapping[str, Any], path: tuple[str, ...]) -> Stop:
    return Stop(
        receiver=settings["receiver"],
        path=path,
        group_by=tuple(settings["group_by"]),
        group_wait=str(settings["group_wait"]),
        repeat_interval=str(settings["repeat_interval"]),
    )


def _matchers_of(route: Mapping[str, Any]) -> tuple[Matcher, ...]:
    # `match` and `match_re` are the old spelling; patches and user templates may still use it.
    old = [Matcher(key, "=", str(value)) for key, value in (route.get("match") or {}).items()]
    old += [Matcher(key, "=~", str(value)) for key, value in (route.get("match_re") or {}).items()]
    return (*old, *parse_matchers(route.get("matchers") or ()))


def integrations_of(config: Mapping[str, Any], receiver: str) -> tuple[str, ...]:
    """The integrations of a receiver as Alertmanager's metrics name them: slack, webhook, ..."""
    for entry in config.get("receivers") or ():
        if entry.get("name") == receiver:
            names = (key.removesuffix("_configs") for key in entry if key.endswith("_configs"))
            return tuple(sorted(name for name in names if entry[f"{name}_configs"]))
    return ()
