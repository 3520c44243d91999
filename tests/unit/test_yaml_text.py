"""The YAML writer: whatever goes in comes out of a YAML 1.1 parser, unchanged."""

import pytest
import yaml

from obsctl.render.yaml_text import block, text_scalar

TEXTS = [
    "", " ", "a", "a b", "a: b", "a:b", "a #b", "#a", "- a", "-", "--flag=1", "? a", "& a", "*a",
    "!a", "%a", "@a", "`a`", "'", '"', "it's", 'say "x"', "\\", "yes", "No", "on", "y", "N", "true",
    "null", "~", "Null", "1", "-1", "1.0", "1e3", "0x1f", "0o7", "22:22", "1_000", "3.10", ".5",
    "15s", "1h30m", "15d", "2026-11-23", "2026-11-23T10:00:00Z", ".inf", "=", "<<", "{a}", "[a]",
    "a,b", "a\tb", "a\n", "a\nb", "a\nb\n", "a\n\nb\n", "\na", " a\nb", "a \nb", "a\nb\n\n",
    "a\n b",
    "\u00e9\u4e2d\U0001f600", "\x07", "\x7f", "\x85", "\u2028", "\ufeff", "a\r\nb", "{{ $value }}",
    '{{ template "x" . }}', 'up{job="a"} == 0', 'le=~"5(\\\\.0)?"', "key: |", "a" * 300,
    "ends with colon:", "http://a:1/b?c=d#e", "a:1", "- 'x'", "12m", "5m3", "e1", "0", "08",
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_texts_come_back(text: str) -> None:
    for data in (text, {"key": text}, [text], {text: 1}, [[text]], {"a": [{"b": text, "c": 1}]}):
        assert yaml.safe_load(block(data) + "\n") == data
    assert yaml.safe_load(text_scalar(text)) == text
    assert yaml.safe_load(f"a:\n{block({'key': text}, 4)}\n") == {"a": {"key": text}}


@pytest.mark.parametrize(
    "data",
    [{}, [], None, True, 1, -2.5, {"a": {}, "b": [], "c": None}, [[1, [2]], []], [{"a": [1]}, {}]],
)
def test_shapes_come_back(data: object) -> None:
    assert yaml.safe_load(block(data) + "\n") == data


def test_tuples_are_lists() -> None:
    assert block({"a": ("b", "c")}) == "a:\n  - b\n  - c"


def test_scripts_and_expressions_stay_readable() -> None:
    assert block({"expr": "sum(up)\n  /\nsum(x)"}) == "expr: |-\n  sum(up)\n    /\n  sum(x)"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), b"x"])
def test_what_yaml_has_no_place_for_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        block({"a": value})
