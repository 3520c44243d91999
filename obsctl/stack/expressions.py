"""PromQL as text: literals, patterns, and Grafana's variables in it."""

import re
from collections.abc import Iterable
from typing import Final

from obsctl.catalog.promql import METRIC_NAME, metrics_of, parse_error, selections
from obsctl.catalog.text import number

__all__ = [
    "LABEL_NAME",
    "METRIC_NAME",
    "any_of",
    "bound_pattern",
    "escaped",
    "labels_text",
    "metrics_of",
    "parse_error",
    "quoted",
    "selections",
    "without_grafana",
]

LABEL_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
# Grafana's variables, by a text of the same kind that PromQL can read.
_GRAFANA: Final = {
    "$__rate_interval": "5m",
    "$__interval": "1m",
    "$__range": "1h",
    "${__range}": "1h",
    "$__range_s": "3600",
}


def escaped(text: str) -> str:
    """The text as it stands between the double quotes of a PromQL string."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def quoted(text: str) -> str:
    return f'"{escaped(text)}"'


def any_of(names: Iterable[str]) -> str:
    """A regular expression, escaped for a PromQL string, that matches exactly these names."""
    return escaped("|".join(re.escape(name).replace(r"\-", "-") for name in names))


def bound_pattern(bound: float) -> str:
    """Matches `le` of a bound as written by any client: Prometheus 3 stores 5 as `5.0`."""
    text = number(bound)
    pattern = re.escape(text)
    return escaped(pattern if "." in text else rf"{pattern}(\.0)?")


def labels_text(labels: dict[str, str]) -> str:
    """`{a="x",b="y"}` in the order given."""
    return "{" + ",".join(f"{name}={quoted(value)}" for name, value in labels.items()) + "}"


def without_grafana(expr: str) -> str:
    """The expression with Grafana's built-in variables replaced, so that PromQL parses it."""
    for variable, text in sorted(_GRAFANA.items(), reverse=True):
        expr = expr.replace(variable, text)
    return expr
