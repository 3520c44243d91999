"""YAML and JSON documents of files and answers, parsed fast."""

from typing import Any

import yaml


def parsed_yaml(text: str) -> Any:  # noqa: ANN401 - any YAML document
    """A YAML or JSON document; yaml.YAMLError when it is none."""
    # C is ten times as fast, and may be missing where PyYAML was built without it.
    loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(text, Loader=loader)  # noqa: S506 - a safe loader


def parsed_or_empty(text: str) -> Any:  # noqa: ANN401 - any YAML document
    """The same; an empty mapping for none, and for one that is broken."""
    try:
        return parsed_yaml(text) or {}
    except yaml.YAMLError:
        return {}  # a file that was broken by hand is drift, and reported as that
