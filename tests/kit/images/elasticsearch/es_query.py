"""The Query DSL subset of the Elasticsearch stand-in, over plain dictionaries."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from es_dates import DATE, QueryError, comparable, instant

Json = Any

Document = Mapping[str, Any]
WORD = re.compile(r"\w+")


def values(document: Document, field: str) -> list[Any]:
    """Return all values of a dotted field; lists are flattened, `.keyword` is looked through."""
    found = _walk(document, field)
    return found or _walk(document, field.removesuffix(".keyword"))


def _walk(value: Json, field: str) -> list[Any]:
    if isinstance(value, list):
        return [hit for item in value for hit in _walk(item, field)]
    if not field:
        return [] if value is None else [value]
    if not isinstance(value, Mapping):
        return []
    hits: list[Any] = []
    for key, item in value.items():
        if key == field:
            hits += _walk(item, "")
        elif field.startswith(f"{key}."):
            hits += _walk(item, field[len(key) + 1 :])
    return hits


def equal(left: Json, right: Json) -> bool:
    """Compare as a keyword, number or boolean field does."""
    return comparable(left) == comparable(right) or str(left) == str(right)


def tokens(value: Json) -> list[str]:
    """Return the lower-case words of a text."""
    return [word.lower() for word in WORD.findall(str(value))]


def _single(body: Json) -> tuple[str, Any]:
    if not isinstance(body, Mapping) or len(body) != 1:
        raise QueryError("[query] malformed query, expected a single field or clause")
    return next(iter(body.items()))


def _argument(body: Json, key: str) -> tuple[str, Any, Mapping[str, Any]]:
    field, argument = _single({k: v for k, v in body.items() if k != "boost"})
    if isinstance(argument, Mapping):
        return field, argument.get(key), argument
    return field, argument, {}


def _term(body: Json, document: Document) -> bool:
    field, wanted, _ = _argument(body, "value")
    return any(equal(value, wanted) for value in values(document, field))


def _terms(body: Json, document: Document) -> bool:
    field, wanted = _single({k: v for k, v in body.items() if k != "boost"})
    return any(equal(value, item) for value in values(document, field) for item in wanted)


def _match(body: Json, document: Document) -> bool:
    field, wanted, options = _argument(body, "query")
    words = tokens(wanted)
    need = all if str(options.get("operator", "or")).lower() == "and" else any
    return any(
        equal(value, wanted) or (bool(words) and need(word in tokens(value) for word in words))
        for value in values(document, field)
    )


def _phrase(body: Json, document: Document) -> bool:
    field, wanted, _ = _argument(body, "query")
    phrase = " ".join(tokens(wanted))
    return any(f" {phrase} " in f" {' '.join(tokens(v))} " for v in values(document, field))


def _pattern(body: Json, document: Document, suffix: str = "") -> bool:
    field, wanted, _ = _argument(body, "value")
    return any(fnmatchcase(str(value), f"{wanted}{suffix}") for value in values(document, field))


def _range(body: Json, document: Document) -> bool:
    field, limits = _single(body)
    checks: dict[str, Callable[[Any, Any], bool]] = {
        "gte": lambda a, b: bool(a >= b), "gt": lambda a, b: bool(a > b),
        "lte": lambda a, b: bool(a <= b), "lt": lambda a, b: bool(a < b),
    }  # fmt: skip
    unknown = set(limits) - set(checks) - {"format", "time_zone", "boost", "relation"}
    if unknown:
        raise QueryError(f"[range] query does not support {sorted(unknown)}")
    for value in values(document, field):
        dated = isinstance(value, str) and DATE.match(value)
        convert: Callable[[Any], Any] = instant if dated else float
        try:
            if all(checks[k](convert(value), convert(v)) for k, v in limits.items() if k in checks):
                return True
        except (TypeError, ValueError):
            continue
    return False


def _bool(body: Json, document: Document) -> bool:
    def clauses(name: str) -> list[Any]:
        found = body.get(name) or []
        return found if isinstance(found, list) else [found]

    required = clauses("must") + clauses("filter")
    optional = clauses("should")
    least = int(body.get("minimum_should_match", 0 if required or not optional else 1))
    return (
        all(matches(clause, document) for clause in required)
        and not any(matches(clause, document) for clause in clauses("must_not"))
        and sum(matches(clause, document) for clause in optional) >= least
    )


def _query_string(body: Json, document: Document) -> bool:
    text = body["query"] if isinstance(body, Mapping) else str(body)
    try:
        words = shlex.split(text.replace("(", " ").replace(")", " "), posix=True)
    except ValueError as error:
        raise QueryError(f"Failed to parse query [{text}]") from error
    alternatives: list[list[tuple[bool, str]]] = [[]]
    negated = False
    for word in words:
        if word in {"OR", "||"}:
            alternatives.append([])
        elif word in {"NOT", "!"}:
            negated = True
        elif word not in {"AND", "&&"}:
            alternatives[-1].append((negated != word.startswith("-"), word.lstrip("-+")))
            negated = False
    return any(all(_word(w, document) != no for no, w in group) for group in alternatives)


def _word(word: str, document: Document) -> bool:
    field, colon, wanted = word.partition(":")
    if word in {"*", "*:*"}:
        return True
    if not colon:
        return _anywhere(word.lower(), document)
    if field == "_exists_" or wanted == "*":
        return bool(values(document, wanted if field == "_exists_" else field))
    found = [str(value).lower() for value in values(document, field)]
    wanted = wanted.lower()
    phrase = f" {' '.join(tokens(wanted))} "
    return any(fnmatchcase(v, wanted) or phrase in f" {' '.join(tokens(v))} " for v in found)


def _anywhere(word: str, value: Json) -> bool:
    if isinstance(value, Mapping):
        return any(_anywhere(word, item) for item in value.values())
    if isinstance(value, list):
        return any(_anywhere(word, item) for item in value)
    phrase = f" {' '.join(tokens(word))} "
    return fnmatchcase(str(value).lower(), word) or phrase in f" {' '.join(tokens(value))} "


CLAUSES: dict[str, Callable[[Any, Document], bool]] = {
    "match_all": lambda _, __: True,
    "match_none": lambda _, __: False,
    "term": _term,
    "terms": _terms,
    "match": _match,
    "match_phrase": _phrase,
    "prefix": lambda body, document: _pattern(body, document, "*"),
    "wildcard": _pattern,
    "range": _range,
    "exists": lambda body, document: bool(values(document, body["field"])),
    "ids": lambda body, document: document.get("_id") in body["values"],
    "bool": _bool,
    "query_string": _query_string,
    "simple_query_string": _query_string,
    "constant_score": lambda body, document: matches(body["filter"], document),
}


def matches(query: Json, document: Document) -> bool:
    """Tell whether a document matches; raise QueryError beyond the subset."""
    name, body = _single(query)
    if name not in CLAUSES:
        raise QueryError(f"unknown query [{name}]")
    return CLAUSES[name](body, document)


def sort_key(document: Document, field: str) -> tuple[int, float, str]:
    """Return a key that puts missing values last and numbers before texts."""
    found = values(document, field)
    value = comparable(found[0]) if found else None
    if value is None:
        return (2, 0.0, "")
    return (0, float(value), "") if isinstance(value, int | float) else (1, 0.0, value)
