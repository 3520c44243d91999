"""Whether a process has loaded what its file says: the first difference in words; pure."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from obsctl.engine.components.matchers import parse_matchers
from obsctl.project.quantities import Duration

_NAMES: Final = ("job_name", "name", "alert", "record", "uid")
_MATCHER_KEYS: Final = frozenset({"matchers", "source_matchers", "target_matchers"})
_HIDDEN: Final = "<secret>"
_SIZE: Final = re.compile(r"(\d+)([KMGTPE]?)i?B")
_NOTHING: Final[tuple[object, ...]] = (None, "", False, 0, (), [], {})


def first_difference(rendered: object, loaded: object, place: str = "") -> str | None:
    """The first setting of `rendered` that `loaded` lacks or has otherwise, or None.

    Both are parsed YAML. Processes answer with defaults added and values normalised, so keys
    that only `loaded` has are no difference, unless they hold a list of sections: no default
    does, thus somebody wrote them.
    """
    if isinstance(rendered, Mapping) and isinstance(loaded, Mapping):
        return _mapping_difference(rendered, loaded, place)
    if isinstance(rendered, Sequence) and not isinstance(rendered, str):
        return _list_difference(rendered, loaded, place)
    return None if _same_scalar(rendered, loaded) else _says(place, rendered, loaded)


def _mapping_difference(
    rendered: Mapping[str, object], loaded: Mapping[str, object], place: str
) -> str | None:
    for key, value in rendered.items():
        here = f"{place}.{key}" if place else str(key)
        if key not in loaded:
            if value in _NOTHING:
                continue
            return f"`{here}` is not loaded"
        found = _value_difference(key, value, loaded[key], here)
        if found:
            return found
    extra = (key for key in loaded if key not in rendered and _is_written(loaded[key]))
    return next((f"`{place}.{key}`".replace("`.", "`") + _GONE for key in extra), None)


_GONE: Final = " is loaded, and the file has it no more"


def _value_difference(key: str, rendered: object, loaded: object, place: str) -> str | None:
    if key in _MATCHER_KEYS and isinstance(rendered, list) and isinstance(loaded, list):
        same = parse_matchers(map(str, rendered)) == parse_matchers(map(str, loaded))
        return None if same else _says(place, rendered, loaded)
    return first_difference(rendered, loaded, place)


def _is_written(value: object) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], Mapping)


def _list_difference(rendered: Sequence[object], loaded: object, place: str) -> str | None:
    if not isinstance(loaded, list):
        return _says(place, rendered, loaded)
    wanted, present = _named(rendered), _named(loaded)
    if wanted is not None and present is not None:
        return _named_difference(wanted, present, place)
    if len(rendered) != len(loaded):
        return _says(place, rendered, loaded)
    pairs = enumerate(zip(rendered, loaded, strict=True))
    found = (first_difference(one, two, f"{place}[{index}]") for index, (one, two) in pairs)
    return next(filter(None, found), None)


def _named(items: Iterable[object]) -> dict[str, object] | None:
    """The items by their name, where each is a section with a name of its own."""
    named: dict[str, object] = {}
    for item in items:
        key = _name_of(item)
        if key is None or key in named:
            return None
        named[key] = item
    return named


def _name_of(item: object) -> str | None:
    if not isinstance(item, Mapping):
        return None
    return next((str(item[key]) for key in _NAMES if key in item), None)


def _named_difference(
    wanted: Mapping[str, object], present: Mapping[str, object], place: str
) -> str | None:
    for name, item in wanted.items():
        if name not in present:
            return f"`{place}`: `{name}` is not loaded"
        if found := first_difference(item, present[name], f"{place}[{name}]"):
            return found
    return next((f"`{place}[{name}]`{_GONE}" for name in present if name not in wanted), None)


def _same_scalar(rendered: object, loaded: object) -> bool:
    if loaded in (rendered, _HIDDEN):
        return True
    one, two = str(rendered), str(loaded)
    # A path is made absolute, or relative to the working directory of the process.
    same_path = "/" in two and two.endswith(f"/{one.removeprefix('./')}")
    return same_path or any(form(one) == form(two) is not None for form in _FORMS)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def duration_s(text: str) -> float | None:
    """Seconds of a Prometheus duration; None where it is none."""
    if text in ("0", "0s"):
        return 0.0
    try:
        return Duration(text).seconds
    except ValueError:
        return None


def _size(text: str) -> tuple[str, str] | None:
    match = _SIZE.fullmatch(text)
    return (match[1], match[2]) if match else None


_FORMS: Final[tuple[Callable[[str], object], ...]] = (_number, duration_s, _size)


def _says(place: str, rendered: object, loaded: object) -> str:
    return f"`{place}`: file has `{_short(rendered)}`, loaded is `{_short(loaded)}`"


def _short(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 160 else text[:160] + " ..."  # noqa: PLR2004 - two lines of a terminal


def rules_difference(
    rendered: Sequence[Mapping[str, Any]], loaded: Sequence[Mapping[str, Any]]
) -> str | None:
    """The first difference between rule groups of files and those of /api/v1/rules."""
    groups = {group["name"]: group for group in loaded}
    for group in rendered:
        name = group["name"]
        if name not in groups:
            return f"rule group `{name}` is not loaded"
        if found := _group_difference(group, groups[name]):
            return f"rule group `{name}`: {found}"
    wanted = {group["name"] for group in rendered}
    return next((f"rule group `{name}`{_GONE}" for name in groups if name not in wanted), None)


def _group_difference(rendered: Mapping[str, Any], loaded: Mapping[str, Any]) -> str | None:
    wanted, present = rendered.get("rules") or [], loaded.get("rules") or []
    for rule, live in zip(wanted, present, strict=False):
        name = str(rule.get("alert") or rule.get("record"))
        if found := first_difference(_file_form(rule), _live_form(live), name):
            return found
    if len(wanted) != len(present):
        return f"file has {len(wanted)} rules, loaded are {len(present)}"
    return None


def _file_form(rule: Mapping[str, Any]) -> dict[str, Any]:
    form: dict[str, Any] = {
        "rule": str(rule.get("alert") or rule.get("record")),
        "expr": normalised(str(rule["expr"])),
        "labels": {key: str(value) for key, value in (rule.get("labels") or {}).items()},
    }
    if "alert" in rule:
        form["for"] = duration_s(str(rule.get("for") or "0s"))
        form["keep_firing_for"] = duration_s(str(rule.get("keep_firing_for") or "0s"))
        form["annotations"] = dict(rule.get("annotations") or {})
    return form


def _live_form(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "rule": rule["name"],
        "expr": normalised(rule["query"]),
        "labels": rule.get("labels") or {},
        "for": float(rule.get("duration") or 0),
        "keep_firing_for": float(rule.get("keepFiringFor") or 0),
        "annotations": rule.get("annotations") or {},
    }


_BRACES: Final = re.compile(
    r"""\{((?:[^{}"'`]|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)*)\}|"""
    r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)"""
)
_PART: Final = re.compile(r"""(?:[^,"'`]|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)+""")


def normalised(expr: str) -> str:
    """A PromQL expression in one spelling, so that formatting makes no difference."""
    import promql_parser

    try:
        return str(promql_parser.parse(_BRACES.sub(_sorted_matchers, expr)))
    except ValueError:
        return " ".join(expr.split())


def _sorted_matchers(match: re.Match[str]) -> str:
    """Prometheus sorts the matchers of a selector; a string stays as it is."""
    if match[1] is None:
        return match[0]
    parts = (part.strip() for part in _PART.findall(match[1]))
    return "{" + ",".join(sorted(filter(None, parts))) + "}"
