"""RFC 7386 merge patches on rendered YAML and JSON files."""

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import yaml

from obsctl.errors import ProjectFileError
from obsctl.project.plain_yaml import load_plain
from obsctl.render import json_text, yaml_text
from obsctl.stack.model import Patch

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
PATCHABLE = (".yml", ".yaml", ".json")


def merge(target: object, patch: object) -> object:
    """Apply one merge patch: mappings merge, `null` removes, anything else replaces."""
    if not isinstance(patch, Mapping):
        return patch
    merged: dict[str, object] = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged


def patched_text(path: str, text: str, patch: object) -> str:
    """The file's text after the patch; leading comment lines are kept."""
    data = merge(parsed(path, text), patch)
    if path.endswith(".json"):
        return json_text.text(data)
    head = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        head.append(line)
    return "\n".join([*head, yaml_text.block(data)]) + "\n"


def parsed(path: str, text: str) -> Any:  # noqa: ANN401 - any YAML or JSON
    """The data of a rendered file; ValueError where it is none."""
    if path.endswith(".json"):
        return json.loads(text)
    try:
        return load_plain(text)
    except yaml.YAMLError as error:
        raise ValueError(error) from None


def check_syntax(path: str, text: str) -> None:
    """ValueError where the text is no YAML or JSON; faster than building the data."""
    if path.endswith(".json"):
        json.loads(text)
        return
    try:
        for _ in yaml.parse(text, Loader=_Loader):
            pass
    except yaml.YAMLError as error:
        raise ValueError(error) from None


def check_paths(patches: Iterable[Patch], files: Iterable[str]) -> None:
    """Raises ProjectFileError for patches on what is no YAML or JSON file of the stack."""
    known = sorted(path for path in files if path.endswith(PATCHABLE))
    problems = []
    for patch in patches:
        if patch.path not in known:
            near = difflib.get_close_matches(patch.path, known, 1)
            hint = f"did you mean `{near[0]}`?" if near else "paths are relative to stack/"
            problems.append(replace(patch.problem, hint=hint))
    if problems:
        raise ProjectFileError(*problems)
