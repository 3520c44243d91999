"""The fast reader gives what PyYAML's safe loader gives, values and errors alike."""

from pathlib import Path

import pytest
import yaml

import obsctl
from obsctl.project.plain_yaml import load_plain

TEXTS = (
    "a: 1\nb: [1.5, true, no, ~, 2020-01-01, 0x1f, 010, 08, 1:30, .inf, -1, +2, 1e3, 1.0e+3]\n",
    "'x': '5'\n\"y\": \"true\"\n5: y\nnull: n\ntrue: t\n2020-01-01: d\n",
    "a: |\n  x\n  y\nb: >-\n  x\n  y\n",
    "- \n- ''\n- []\n- {}\n- [[1], {a: [2]}]\n",
    "[&a [1], *a]",
    "a: &x 1\nb: *x\n",
    "a: !!str 5\nb: !!int '5'\nc: ! 5\n",
    "{<<: {a: 1}, b: 2}",
    "a: &x {b: 1}\nc: {<<: *x, d: 2}\n",
    "? [1]\n: 2\n",
    "? {a: 1}\n: 2\n",
    "? !!python/tuple [1]\n: 2\n",
    "x: =\n",
    "",
    "# nothing\n",
    "--- a\n",
    "a\n---\nb\n",
    "a: b: c",
    "a: [1\n",
    "b: *missing\n",
    "{a: 1, a: 2}",
    "a: !mine 1\n",
    "\x00",
)
FILES = sorted(
    (*Path(obsctl.__file__).parent.rglob("*.yaml"), *Path("tests/golden").rglob("stack/**/*.yml"))
)


def told(load: object, text: str) -> tuple[str, str]:
    try:
        return "data", repr(load(text))  # type: ignore[operator]
    except yaml.YAMLError as error:
        return type(error).__name__, str(error)


@pytest.mark.parametrize("text", TEXTS)
def test_it_agrees_with_pyyaml(text: str) -> None:
    assert told(load_plain, text) == told(lambda t: yaml.load(t, Loader=yaml.CSafeLoader), text)


@pytest.mark.parametrize("path", FILES, ids=str)
def test_it_agrees_on_the_files_that_obsctl_reads(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert repr(load_plain(text)) == repr(yaml.load(text, Loader=yaml.CSafeLoader))
