"""JSON Schema of obsctl.yaml, for editors: what load.py takes, no more and no less."""

from typing import Any

from obsctl.project.schema import Project

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TITLE = "obsctl project file"


def json_schema() -> dict[str, Any]:
    """The schema as plain data."""
    schema = _strict(Project.model_json_schema(by_alias=True))
    assert isinstance(schema, dict)  # noqa: S101 - pydantic gives an object
    return {"$schema": DIALECT, **schema, "title": TITLE}


def _strict(node: object) -> object:
    """Without null, which load.py refuses, and closed where only some names are taken."""
    if isinstance(node, list):
        return [_strict(item) for item in node]
    if not isinstance(node, dict):
        return node
    result = {key: _strict(value) for key, value in node.items()}
    if "patternProperties" in result:
        result["additionalProperties"] = False
    options = result.get("anyOf")
    if isinstance(options, list) and {"type": "null"} in options:
        options = [option for option in options if option != {"type": "null"}]
        del result["anyOf"]
        result |= options[0] if len(options) == 1 else {"anyOf": options}
    if "default" in result:
        result["default"] = _without_null(result["default"])
        if result["default"] is None:
            del result["default"]
    return result


def _without_null(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_null(item) for key, item in value.items() if item is not None}
    return value
