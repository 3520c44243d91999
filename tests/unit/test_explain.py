"""The catalogue of causes: every code that a check names is there, and every one is named."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import obsctl.health
from obsctl.errors import UsageError
from obsctl.health.findings.causes import find_cause, load_causes

HEALTH = Path(obsctl.health.__file__).parent
NAMING = {"fail", "warn", "ProbeError", "Diagnosis"}
# What Claim fills in by itself.
ALWAYS = {"subject", "project", "container", "component"}


def named_codes() -> Iterator[tuple[str, set[str] | None]]:
    """(code, the placeholders filled where it is named); None where that is not to be seen."""
    for path in HEALTH.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and node.args and _name(node.func) in NAMING:
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    keys = {keyword.arg for keyword in node.keywords}
                    open_ended = None in keys or _name(node.func) == "Diagnosis"
                    yield first.value, None if open_ended else {key for key in keys if key}


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def doubled(node: yaml.Node | None) -> Iterator[str]:
    """Keys that stand in one mapping twice, of which YAML readers drop the first silently."""
    if isinstance(node, yaml.MappingNode):
        keys = [key.value for key, _ in node.value]
        yield from sorted({key for key in keys if keys.count(key) > 1})
        for _, value in node.value:
            yield from doubled(value)


def test_no_code_and_no_part_of_an_entry_stands_twice() -> None:
    document = yaml.compose((HEALTH / "findings" / "causes.yaml").read_text())
    assert list(doubled(document)) == []
    assert list(doubled(yaml.compose("a: {b: 1, b: 2}\nc: {b: 1}\na: {}"))) == ["a", "b"]


def test_every_named_code_has_an_entry_with_its_placeholders_filled() -> None:
    causes = load_causes()
    for code, filled in named_codes():
        assert code in causes, code
        if filled is not None:
            assert causes[code].placeholders <= filled | ALWAYS, code


def test_every_entry_is_named_somewhere() -> None:
    source = "\n".join(path.read_text() for path in HEALTH.rglob("*.py"))
    literals = set(re.findall(r'"([a-z][a-z-]+)"', source))
    made = {f"target-{reason}" for reason in literals}
    assert set(load_causes()) <= literals | made


@pytest.mark.parametrize("code", list(load_causes()))
def test_every_entry_says_what_to_do(code: str) -> None:
    cause = load_causes()[code]
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", code)
    for text in (cause.title, cause.meaning, cause.see, cause.fix):
        assert text
    assert cause.meaning.endswith((".", "."))
    assert "{" not in cause.text().replace("%{time_total}", "")


def test_explain_prints_an_entry() -> None:
    text = find_cause("target-refused").text()
    assert text.startswith("target-refused: nothing listens on <place>")
    assert "fix: start <job>" in text


def test_an_unknown_code_names_the_nearest() -> None:
    with pytest.raises(UsageError) as error:
        find_cause("target-refusd")
    assert error.value.problems[0].hint == "did you mean `target-refused`?"


def test_lines_fit_and_commands_stay_whole() -> None:
    for cause in load_causes().values():
        lines = cause.text(80).splitlines()
        assert max(len(line) for line in lines if " " in line.strip()[6:]) <= 80, cause.code
        assert " ".join(" ".join(lines).split()) == " ".join(cause.text().split())
