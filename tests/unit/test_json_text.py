"""The JSON writer: reads back as it was, and short flat parts keep to one line."""

import json

import pytest

from obsctl.render.json_text import text


@pytest.mark.parametrize(
    "data",
    [
        {}, [], None, 1, "a", {"a": []}, [[]], [{}], {"a": {"b": {"c": [1, 2, {"d": None}]}}},
        {"a": '\u00e9\u2028"\\\n\x00'}, [[1, 2], [3, [4]]], {"long": ["x" * 60, "y" * 60]},
        {"": 0.1, "b": True, "c": [True, None, -1.5e30]},
    ],
)  # fmt: skip
def test_data_comes_back(data: object) -> None:
    assert json.loads(text(data)) == data
    assert text(data).endswith("\n")


def test_short_and_flat_is_one_line() -> None:
    data = {"gridPos": {"h": 8, "w": 12}, "targets": [{"expr": "up", "refId": "A"}]}
    assert text(data) == (
        '{\n  "gridPos": {"h": 8, "w": 12},\n  "targets": [\n'
        '    {"expr": "up", "refId": "A"}\n  ]\n}\n'
    )


def test_no_number_that_json_has_not() -> None:
    with pytest.raises(ValueError, match="JSON"):
        text({"a": float("nan")})
