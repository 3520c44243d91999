"""The README cannot drift: its project file is a golden, its commands and flags exist."""

import re
from pathlib import Path

import pytest
import typer.main

from obsctl import errors
from obsctl.catalog.files import available_kinds
from obsctl.cli import COMMANDS, build_app, run
from obsctl.project.schema import Project

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


PROJECT_FILES = [block for block in blocks("yaml") if block.startswith("version: 1\n")]


@pytest.mark.parametrize("text", PROJECT_FILES, ids=range(len(PROJECT_FILES)))
def test_every_project_file_is_valid(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("obsctl.yaml").write_text(text)
    assert run(["validate"]) == 0


def test_one_project_file_shows_every_section() -> None:
    shown = max(PROJECT_FILES, key=len)
    sections = re.findall(r"^(\w+):", shown, re.MULTILINE)
    assert sections == list(Project.model_fields)


def test_every_kind_is_listed() -> None:
    listed = re.findall(r"`(\w+)`", README.partition("| kinds |")[2].partition("\n\n")[0])
    own = {"alertmanager", "grafana", "logstash", "prometheus"}  # of the stack's parts
    assert {*listed} - {"targets", "address"} == {*available_kinds()} - own


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
