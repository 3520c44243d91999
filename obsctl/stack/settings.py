"""A service's settings of its kind: defaults, the user's values, and what is wrong with these."""

import difflib
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Final

from obsctl.catalog.model import Kind, Setting
from obsctl.project.findings import Findings
from obsctl.stack.expressions import LABEL_NAME, METRIC_NAME

_RESERVED_LABELS: Final = frozenset({"le", "quantile", "job", "instance", "severity"})


def checked_settings(
    kind: Kind, own: Mapping[str, Setting], path: tuple[str, ...], findings: Findings
) -> dict[str, Setting]:
    """Every setting of the kind, with the user's values where nothing is wrong with them."""
    settings = dict(kind.settings)
    for key, value in own.items():
        if key not in settings:
            near = difflib.get_close_matches(key, settings, 1)
            known = ", ".join(f"`{name}`" for name in settings) or "none"
            hint = f"did you mean `{near[0]}`?" if near else f"settings of `{kind.name}`: {known}"
            findings.add(
                (*path, key), f"the kind `{kind.name}` has no setting `{key}`", hint, key=True
            )
        elif problem := setting_problem(key, value, kind.settings[key]):
            findings.add((*path, key), problem)
        elif key in kind.choices and value not in kind.choices[key]:
            known = ", ".join(f"`{each}`" for each in kind.choices[key])
            findings.add((*path, key), f"`{value}` is no `{key}`", f"known here: {known}")
        else:
            settings[key] = value
    _check_examples(kind, settings, path, findings)
    return settings


def _check_examples(
    kind: Kind, settings: Mapping[str, Setting], path: tuple[str, ...], findings: Findings
) -> None:
    """Unit tests are made with the examples, so these must fit the patterns."""
    for key, (pattern, wanted) in kind.examples.items():
        example, expression = str(settings[key]), str(settings[pattern])
        if (re.fullmatch(expression, example) is not None) != wanted:
            verb = "must match" if wanted else "must not match"
            findings.add(
                (*path, pattern),
                f"the example `{key}`, `{example}`, {verb} `{pattern}`, `{expression}`",
                f"set `{key}` beside it: the alerts' unit tests are made with it",
            )


def setting_problem(key: str, value: Setting, default: Setting) -> str | None:
    """What is wrong with a setting's value, by its name and the type of its default."""
    if key.endswith("_buckets"):
        return _bounds_problem(key, value)
    if isinstance(default, bool) or isinstance(value, bool):
        same = isinstance(default, bool) and isinstance(value, bool)
        return None if same else f"`{key}` must be {_expected(default)}"
    if key.endswith("_sample_rate"):
        share = isinstance(value, int | float) and 0 <= value <= 1
        return None if share else f"`{key}` must be a number from 0 to 1"
    if isinstance(default, int | float):
        positive = isinstance(value, int | float) and value > 0
        return None if positive else f"`{key}` must be a number above 0"
    if not isinstance(value, str):
        return f"`{key}` must be {_expected(default)}"
    return _text_problem(key, value)


def _expected(default: Setting) -> str:
    return "`true` or `false`" if isinstance(default, bool) else "text"


def _text_problem(key: str, value: str) -> str | None:
    if key.endswith("_metric") and not METRIC_NAME.fullmatch(value):
        return f"`{value}` is no metric name"
    if key.endswith("_label"):
        if not LABEL_NAME.fullmatch(value) or value.startswith("__"):
            return f"`{value}` is no label name"
        if value in _RESERVED_LABELS:
            return f"the label `{value}` has a meaning of its own in Prometheus"
    if key.endswith("_pattern"):
        try:
            re.compile(value)
        except re.error as error:
            return f"`{value}` is no regular expression: {error}"
    return None


def _bounds_problem(key: str, value: Setting) -> str | None:
    if not isinstance(value, tuple) or not value:
        return f"`{key}` must be a list of bounds in seconds, such as `[0.1, 0.5, 1, 2, 5]`"
    numbers = [bound for bound in value if isinstance(bound, int | float) and bound > 0]
    if len(numbers) != len(value) or any(isinstance(bound, bool) for bound in value):
        return f"`{key}` must hold numbers above 0; the last bound, +Inf, is left out"
    if any(low >= high for low, high in pairwise(numbers)):
        return f"the bounds of `{key}` must ascend"
    return None
