"""`[[ name ]]` in the catalogue's texts: compiled once, strict about names, with arithmetic."""

import ast
import operator
import re
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

_PLACEHOLDER: Final = re.compile(r"\[\[ (.*?) \]\]")
_OPERATORS: Final[dict[type[ast.operator], Callable[[float, float], float]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}

Values = Mapping[str, str]
_NOTHING: Final[Values] = MappingProxyType({})


class UnknownNameError(ValueError):
    """A placeholder names nothing that is known where it stands."""


@cache
def pieces(template: str) -> tuple[str, ...]:
    """The texts and the placeholders of a template in turn; a text comes first and last."""
    parts = tuple(_PLACEHOLDER.split(template))
    for text in parts[::2]:
        if "[[ " in text:
            raise ValueError(f"`[[ ` without its ` ]]` in `{text.strip()}`")
    return parts


@cache
def names(template: str) -> frozenset[str]:
    """The names that the placeholders of a template use."""
    return frozenset(
        node.id
        for source in pieces(template)[1::2]
        for node in ast.walk(_expression(source))
        if isinstance(node, ast.Name)
    )


def fill(template: str, values: Values, more: Values = _NOTHING) -> str:
    """The template with every placeholder replaced, by `more` first; raises UnknownNameError."""
    parts = pieces(template)
    if len(parts) == 1:
        return template
    filled = list(parts)
    for index in range(1, len(parts), 2):
        source = parts[index]
        value = more.get(source, values.get(source))
        filled[index] = _computed(source, {**values, **more}) if value is None else value
    return "".join(filled)


def number(value: float) -> str:
    """The shortest decimal form, without exponent or a needless point."""
    if value == int(value):
        return str(int(value))
    return f"{value:.12f}".rstrip("0").rstrip(".")


def _computed(source: str, values: Values) -> str:
    if source.isidentifier():
        raise UnknownNameError(f"`[[ {source} ]]` is not known here")
    return number(round(_evaluate(_expression(source), values), 9))


@cache
def _expression(source: str) -> ast.expr:
    try:
        return ast.parse(source, mode="eval").body
    except SyntaxError:
        raise ValueError(f"`[[ {source} ]]` is neither a name nor arithmetic") from None


def _evaluate(node: ast.expr, values: Values) -> float:
    match node:
        case ast.Constant(value=int() | float() as value):
            return float(value)
        case ast.Name(id=name):
            if name not in values:
                raise UnknownNameError(f"`[[ {name} ]]` is not known here")
            return float(values[name])
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](_evaluate(left, values), _evaluate(right, values))
    raise ValueError(f"`{ast.unparse(node)}` is no arithmetic with + - * /")
