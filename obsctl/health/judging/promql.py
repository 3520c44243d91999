"""Which selectors an expression cannot do without: the base of the dead-rule analysis; pure."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import promql_parser as parser

# Labels that say where a series comes from; all others say what happened.
_ORIGIN: Final = frozenset({"job", "instance", "service", "system", "environment"})
_OPERATORS: Final = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}
_PLAIN_NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_PLAIN_VALUE: Final = re.compile(r"[\w-]+")
# Functions that answer just because their argument has no series.
_ABSENCE: Final = frozenset({"absent", "absent_over_time"})


@dataclass(frozen=True, slots=True, order=True)
class LabelMatcher:
    label: str
    op: str
    value: str

    @property
    def matches_empty(self) -> bool:
        """True when a series without the label matches as well."""
        if self.op in ("=", "!="):
            return (self.value == "") == (self.op == "=")
        try:
            return (re.fullmatch(self.value, "") is not None) == (self.op == "=~")
        except re.error:  # RE2 has forms that Python lacks
            return False

    def __str__(self) -> str:
        return f"{self.label}{self.op}{quoted(self.value)}"


@dataclass(frozen=True, slots=True, order=True)
class Selector:
    """An instant vector selector without offset; `name` may be empty."""

    name: str
    matchers: tuple[LabelMatcher, ...] = field(default=())

    def __str__(self) -> str:
        plain = _PLAIN_NAME.fullmatch(self.name)
        parts = [] if plain or not self.name else [quoted(self.name)]
        inside = ",".join([*parts, *map(str, self.matchers)])
        return f"{self.name if plain else ''}{{{inside}}}" if inside else self.name

    @property
    def origin(self) -> "Selector":
        """The same metric from the same place, whatever its other labels say."""
        kept = (matcher for matcher in self.matchers if matcher.label in _ORIGIN)
        return Selector(self.name, tuple(kept))

    @property
    def required_labels(self) -> tuple[str, ...]:
        """Labels beyond the origin that a matching series must have."""
        needed = {
            matcher.label
            for matcher in self.matchers
            if matcher.label not in _ORIGIN and not matcher.matches_empty
        }
        return tuple(sorted(needed))

    def with_label(self, label: str) -> "Selector":
        """The series of the origin that have `label` at all."""
        return Selector(self.name, (*self.origin.matchers, LabelMatcher(label, "!=", "")))

    def value_of(self, label: str) -> str | None:
        """The value that the selector fixes for `label`; a plain regex fixes one too."""
        fixed = (
            matcher.value
            for matcher in self.matchers
            if matcher.label == label
            and (
                matcher.op == "=" or (matcher.op == "=~" and _PLAIN_VALUE.fullmatch(matcher.value))
            )
        )
        return next(fixed, None)


def quoted(text: str) -> str:
    """A PromQL string literal."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def selectors(expr: str) -> frozenset[Selector]:
    """All selectors of an expression; ValueError when it does not parse."""
    found: set[Selector] = set()

    def note(selector: Selector) -> tuple[str, ...]:
        found.add(selector)
        return (str(selector),)

    missing(expr, note)
    return frozenset(found)


Lookup = Callable[[Selector], tuple[str, ...]]
"""Says why a selector has no series, as one or more reasons; empty when it has."""


def missing(expr: str, lookup: Lookup) -> tuple[str, ...]:
    """Why `expr` can have no result at present whatever its values are; empty when it can.

    `a or b` needs one side, `a unless b` needs a, absent() needs nothing. ValueError when the
    expression does not parse.
    """
    return tuple(dict.fromkeys(_missing(parser.parse(expr), lookup)))


def _missing(node: Any, lookup: Lookup) -> tuple[str, ...]:  # noqa: ANN401 - untyped library
    if isinstance(node, parser.VectorSelector):
        selector = _selector(node)
        return lookup(selector) if selector else ()
    if isinstance(node, parser.BinaryExpr):
        return _missing_of_binary(node, lookup)
    if isinstance(node, parser.Call) and node.func.name in _ABSENCE:
        for child in _children(node):
            _missing(child, lookup)
        return ()
    return tuple(reason for child in _children(node) for reason in _missing(child, lookup))


def _missing_of_binary(node: Any, lookup: Lookup) -> tuple[str, ...]:  # noqa: ANN401 - untyped library
    left, right = _missing(node.lhs, lookup), _missing(node.rhs, lookup)
    operator = str(node.op)
    if operator == "or":
        return left + right if left and right else ()
    return left if operator == "unless" else left + right


def _children(node: Any) -> Iterable[Any]:  # noqa: ANN401 - untyped library
    if isinstance(node, parser.Call):
        return list(node.args)
    if isinstance(node, parser.MatrixSelector):
        return [node.vector_selector]
    single = (
        parser.ParenExpr, parser.UnaryExpr, parser.SubqueryExpr, parser.AggregateExpr
    )  # fmt: skip
    return [node.expr] if isinstance(node, single) else []


def _selector(node: Any) -> Selector | None:  # noqa: ANN401 - untyped library
    if node.matchers.or_matchers:
        return None  # `{a="1" or b="2"}`: experimental, no claim is made about it
    matchers = list(_label_matchers(node.matchers.matchers))
    named = (m.value for m in matchers if m.label == "__name__" and m.op == "=")
    name = node.name or next(named, "")
    kept = (m for m in matchers if not (m.label == "__name__" and m.op == "="))
    return Selector(name, tuple(sorted(kept)))


def _label_matchers(matchers: Iterable[Any]) -> Iterator[LabelMatcher]:
    for matcher in matchers:
        operator = _OPERATORS[str(matcher.op).rpartition(".")[2]]
        yield LabelMatcher(matcher.name, operator, matcher.value)
