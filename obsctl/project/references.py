"""Rules of the project file that look across sections, or at values before they are typed.

They read the plain data, so that they report in the same run as the schema does.
"""

from collections.abc import Iterator
from typing import Any

from obsctl.project.document import KeyPath
from obsctl.project.findings import Findings
from obsctl.project.known_keys import is_misspelt, known_keys_hint

# Below these, an empty value has a meaning of its own: a merge patch deletes with null.
_NULL_ALLOWED = ("patches",)


def check_references(findings: Findings) -> None:
    """Add what is empty, what is named twice, and names that lead nowhere."""
    data = findings.document.data
    _check_empty(findings, data, ())
    for path in (("services",), ("notifications", "receivers"), ("slo",)):
        _check_case(findings, path)
    # Of a section with a misspelt name, that name is all there is to tell.
    if not is_misspelt(data, ("services",)):
        _check_known(findings, "service", ("slo",), tuple(_section(data, "services")))
    _check_routes(findings, data)
    for name in _section(data, "services"):
        _check_repeated(findings, ("services", name, "targets"))
    _check_repeated(findings, ("probes",))


def _check_empty(findings: Findings, value: object, path: KeyPath) -> None:
    for part, child in _children(value):
        below = (*path, part)
        if child is None:
            _add_empty(findings, below)
        elif part not in _NULL_ALLOWED or path:
            _check_empty(findings, child, below)


def _children(value: object) -> Iterator[tuple[str | int, object]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, tuple):
        yield from enumerate(value)


def _add_empty(findings: Findings, path: KeyPath) -> None:
    name = path[-1]
    if isinstance(name, int):
        findings.add(path, "an empty list item", "remove it, or write the value")
        return
    location = findings.document.locate(path, key=True)
    text = findings.document.lines[location.line - 1]
    hint = "remove the key, or write its value; `{}` takes the defaults of a section"
    if ":" in name:
        hint = "write a space after the `:`"
    elif text[location.column - 1 :].partition(":")[2].lstrip().startswith("#"):
        hint = "`#` begins a comment; text that begins with it needs quotes: `'#ops'`"
    findings.add(path, f"`{name}` has no value", hint, key=True)


def _check_case(findings: Findings, path: KeyPath) -> None:
    seen: dict[str, str] = {}
    for name in _section(findings.document.data, *path):
        first = seen.setdefault(name.lower(), name)
        if first != name:
            line = findings.document.locate((*path, first), key=True).line
            message = f"`{name}` and `{first}` (line {line}) differ only in case"
            findings.add((*path, name), message, "names are unique ignoring case", key=True)


def _check_known(findings: Findings, noun: str, path: KeyPath, known: tuple[str, ...]) -> None:
    for name in _section(findings.document.data, *path):
        if name not in known:
            message = f"`{path[-1]}` names the {noun} `{name}`, which does not exist"
            findings.add((*path, name), message, _hint(name, known), key=True)


def _check_routes(findings: Findings, data: object) -> None:
    known = tuple(_section(data, "notifications", "receivers"))
    is_known = not is_misspelt(data, ("notifications", "receivers"))
    for severity, receivers in _section(data, "notifications", "routes").items():
        path: KeyPath = ("notifications", "routes", severity)
        if not isinstance(receivers, tuple):
            continue
        for index, name in enumerate(receivers):
            if isinstance(name, str) and name not in known and is_known:
                message = f"`{severity}` names the receiver `{name}`, which does not exist"
                findings.add((*path, index), message, _hint(name, known))
        _check_repeated(findings, path)
    for name in _section(data, "notifications", "mute_times"):
        for part in ("severities", "days"):
            _check_repeated(findings, ("notifications", "mute_times", name, part))


def _hint(name: str, known: tuple[str, ...]) -> str:
    return known_keys_hint(name, known) or "none is defined"


def _check_repeated(findings: Findings, path: KeyPath) -> None:
    value: Any = findings.document.data
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    seen: dict[str, int] = {}
    for index, item in enumerate(value if isinstance(value, tuple) else ()):
        if isinstance(item, str) and seen.setdefault(item, index) != index:
            line = findings.document.locate((*path, seen[item])).line
            message = f"`{item}` is listed for the second time; the first is on line {line}"
            findings.add((*path, index), message)


def _section(data: Any, *path: str | int) -> dict[str, Any]:  # noqa: ANN401 - unchecked input
    for part in path:
        data = data.get(part) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}
