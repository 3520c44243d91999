"""The README cannot drift: its project file is a golden, its commands and flags exist."""

import re
from pathlib import Path

import pytest
import typer.main

from obsctl import errors
from obsctl.cli import COMMANDS, build_app

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def typed() -> list[list[str]]:
    """Every `obsctl ...` line that the README tells people to type."""
    text = "\n".join(blocks("sh") + blocks("console"))
    lines = [line.removeprefix("$ ").split("#")[0] for line in text.splitlines()]
    return [line.split() for line in lines if line.startswith("obsctl ")]


def flags(command: str) -> set[str]:
    group = typer.main.get_command(build_app(only=command))
    found = vars(group)["commands"][command]
    nested = vars(found).get("commands", {})
    parameters = [*found.params, *(p for sub in nested.values() for p in sub.params)]
    names = ({*each.opts, *each.secondary_opts} for each in parameters)
    return {"--help"}.union(*names)


def test_project_file_is_the_minimal_golden() -> None:
    golden = (ROOT / "tests" / "golden" / "minimal" / "obsctl.yaml").read_text()
    assert blocks("yaml")[0] == golden


def test_tree_is_what_the_minimal_golden_holds() -> None:
    (tree,) = (block for block in blocks("text") if block.startswith("stack/"))
    shown = {line.split()[0] for line in tree.splitlines()[1:]}
    stack = ROOT / "tests" / "golden" / "minimal" / "stack"
    assert shown == {f"{p.name}/" if p.is_dir() else p.name for p in stack.iterdir()
                     if not p.name.startswith(".")}  # fmt: skip


def test_every_command_is_listed_and_every_listed_one_exists() -> None:
    table = re.findall(r"^\| `obsctl ([a-z]+)", README, re.MULTILINE)
    assert sorted(table) == sorted(COMMANDS)


@pytest.mark.parametrize("words", typed(), ids=" ".join)
def test_typed_commands_and_flags_exist(words: list[str]) -> None:
    if words[1] == "--version":
        return
    assert words[1] in COMMANDS
    used = {word.split("=")[0] for word in words[2:] if word.startswith("-")}
    assert used <= flags(words[1])


def test_exit_codes_are_those_of_the_error_family() -> None:
    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)}
    family = {c.exit_code for c in vars(errors).values()
              if isinstance(c, type) and issubclass(c, errors.ObsctlError)}  # fmt: skip
    assert listed == family | {0, 70, 130, 143}


@pytest.mark.parametrize("target", re.findall(r"\bmake ([a-z]+)", README))
def test_make_targets_exist(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
