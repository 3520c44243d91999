"""YAML 1.2 core schema from parser events: plain data, with a place for every key and value."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from obsctl.project.yaml_scalars import resolve

DEPTH_MAX = 32
# What aliases may add to a file in all; a page of anchors needs hundreds, an attack billions.
ALIAS_NODES_MAX = 100_000

_STR_TAG = "tag:yaml.org,2002:str"
_COLLECTION_TAGS = (None, "!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")


class NodeError(Exception):
    """What is wrong with a node; line and column count from 0."""

    def __init__(self, message: str, place: tuple[int, int], hint: str | None = None) -> None:
        super().__init__(message)
        self.message, self.hint = message, hint
        self.line, self.column = place
        self.width = 1


@dataclass(slots=True, eq=False)
class Node:
    """A value: its data, where it stands (from 0), and the nodes inside.

    `size` and `height` count aliases in full, so that budgets hold without expanding them.
    """

    data: Any
    line: int
    column: int
    width: int = 1
    raw: str | None = None  # a scalar as written
    flow: bool = False
    entries: dict[str, tuple["Node", "Node"]] | None = None  # key -> (key node, value node)
    items: list["Node"] = field(default_factory=list)
    size: int = 1
    height: int = 1


def build(events: Iterable[yaml.Event]) -> tuple[Node | None, list[NodeError]]:
    """The tree of a single document (None for an empty one) and what is wrong inside it.

    Raises NodeError where reading on makes no sense (depth, aliases, several documents), and
    yaml.YAMLError from the parser behind `events`.
    """
    builder = _Builder(iter(events))
    return builder.document(), builder.errors


class _Builder:
    def __init__(self, events: Iterator[yaml.Event]) -> None:
        self.errors: list[NodeError] = []
        self._events = events
        self._anchors: dict[str, Node | None] = {}  # None while the anchored value is open
        self._added_by_aliases = 0

    def document(self) -> Node | None:
        next(self._events)  # the stream's start
        start = next(self._events)
        if not isinstance(start, yaml.DocumentStartEvent):
            return None
        # The pure parser gives a tuple, libyaml's likewise; absent means 1.2, as we read it.
        if start.version is not None and start.version < (1, 2):
            raise NodeError(
                "`%YAML 1.1` asks for the old rules, where `no` and `22:22` change their meaning",
                _start(start),
                "remove the line; the file is read as YAML 1.2",
            )
        root = self._node(next(self._events), 1)
        next(self._events)  # the document's end
        after = next(self._events)
        if isinstance(after, yaml.DocumentStartEvent):
            raise NodeError(
                "a second document begins here",
                _start(after),
                "keep one document in the file: remove the `---` and what follows",
            )
        return root

    def _node(self, event: yaml.Event, depth: int) -> Node:
        if depth > DEPTH_MAX:
            raise NodeError(f"nested more than {DEPTH_MAX} levels deep", _start(event))
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, depth)
        anchor = getattr(event, "anchor", None)
        if anchor is not None:
            self._anchors[anchor] = None
        if isinstance(event, yaml.ScalarEvent):
            node = self._scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._sequence(event, depth)
        else:
            assert isinstance(event, yaml.MappingStartEvent)  # noqa: S101 - the grammar's last case
            node = self._mapping(event, depth)
        if anchor is not None:
            self._anchors[anchor] = node
        return node

    def _alias(self, event: yaml.AliasEvent, depth: int) -> Node:
        name, place = event.anchor, _start(event)
        if name not in self._anchors:
            raise NodeError(
                f"no anchor `&{name}` stands above this alias",
                place,
                f"text that begins with `*` needs quotes: `'*{name}'`",
            )
        target = self._anchors[name]
        if target is None:
            raise NodeError(f"the alias `*{name}` stands inside the value that it repeats", place)
        self._added_by_aliases += target.size
        if self._added_by_aliases > ALIAS_NODES_MAX:
            raise NodeError(f"aliases add more than {ALIAS_NODES_MAX} values to the file", place)
        if depth + target.height - 1 > DEPTH_MAX:
            raise NodeError(f"nested more than {DEPTH_MAX} levels deep by this alias", place)
        return target

    def _sequence(self, start: yaml.SequenceStartEvent, depth: int) -> Node:
        node = self._collection(start)
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            node.items.append(self._node(event, depth + 1))
        node.data = tuple(item.data for item in node.items)
        return _measured(node, event, node.items)

    def _mapping(self, start: yaml.MappingStartEvent, depth: int) -> Node:
        node = self._collection(start)
        entries: dict[str, tuple[Node, Node]] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._node(event, depth + 1)
            value = self._node(next(self._events), depth + 1)
            error = _key_error(key, event, entries)
            if error is None:
                entries[key.data] = (key, value)
            else:
                error.width = key.width
                self.errors.append(error)
        node.entries = entries
        node.data = {name: value.data for name, (_, value) in entries.items()}
        return _measured(node, event, [value for _, value in entries.values()])

    def _collection(self, start: yaml.CollectionStartEvent) -> Node:
        line, column = place = _start(start)
        if start.tag not in _COLLECTION_TAGS:
            self.errors.append(_unknown_tag(start.tag, place))
        return Node(None, line, column, flow=bool(start.flow_style))

    def _scalar(self, event: yaml.ScalarEvent) -> Node:
        line, column = start = _start(event)
        end_line, end_column = _end(event)
        width = end_column - column if end_line == line else 1
        data: object = event.value
        if event.tag not in (None, "!", _STR_TAG):
            self.errors.append(_unknown_tag(event.tag, start))
        elif event.implicit[0]:
            try:
                data = resolve(event.value)
            except ValueError as failure:
                error = NodeError(str(failure), start, "is it text? write it in quotes")
                error.width = width
                self.errors.append(error)
        return Node(data, line, column, width, raw=event.value)


def _key_error(
    key: Node, event: yaml.Event, entries: dict[str, tuple[Node, Node]]
) -> NodeError | None:
    place = _start(event)
    if not isinstance(key.data, str):
        written = f"`'{key.raw}'`" if key.raw else "text"
        return NodeError(f"a key must be text, got {_kind(key)}", place, f"write {written}")
    if key.data == "<<" and getattr(event, "implicit", (False,))[0]:
        return NodeError(
            "`<<` merges are not read: YAML 1.2 has none",
            place,
            "repeat the settings, or give the whole section by an alias: `b: *a`",
        )
    if key.data in entries:
        first = entries[key.data][0].line + 1
        return NodeError(
            f"`{key.data}` is here for the second time; the first is on line {first}",
            place,
            "keep one of the two",
        )
    return None


def _kind(node: Node) -> str:
    if node.raw is not None:
        return "nothing" if node.data is None else f"`{node.raw}`"
    return "a list" if node.entries is None else "a section"


def _measured(node: Node, end: yaml.Event, children: list[Node]) -> Node:
    node.size = 1 + sum(child.size for child in children)
    node.height = 1 + max((child.height for child in children), default=0)
    end_line, end_column = _end(end)
    if node.flow and end_line == node.line:
        node.width = end_column - node.column
    return node


def _unknown_tag(tag: str, place: tuple[int, int]) -> NodeError:
    shown = tag.replace("tag:yaml.org,2002:", "!!")
    return NodeError(f"the tag `{shown}` has no meaning here", place, "remove it")


def _start(event: yaml.Event) -> tuple[int, int]:
    mark = event.start_mark
    return (mark.line, mark.column) if mark else (0, 0)


def _end(event: yaml.Event) -> tuple[int, int]:
    mark = event.end_mark
    return (mark.line, mark.column) if mark else (0, 0)
