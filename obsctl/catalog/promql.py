"""PromQL as a tree: whether an expression parses, and which metrics it reads."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

METRIC_NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


def parse_error(expr: str) -> str | None:
    """Why the expression is no PromQL, in one line; None when it is."""
    import promql_parser

    try:
        promql_parser.parse(expr)
    except ValueError as error:
        return " ".join(str(error).split())
    return None


@lru_cache(maxsize=4096)
def metrics_of(expr: str) -> frozenset[str]:
    """Names of all metrics that the expression selects; ValueError when it does not parse."""
    return frozenset(name for name, _ in selections(expr))


def selections(expr: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Metric name and equality matchers of every selector in the expression."""
    import promql_parser

    found: list[Any] = []

    def note(node: Any) -> None:  # noqa: ANN401 - a node of any type
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)

    promql_parser.walk(promql_parser.parse(expr), note)
    for node in found:
        equal = {m.name: m.value for m in node.matchers.matchers if str(m.op).endswith("Equal")}
        yield node.name or equal.get("__name__", ""), equal
