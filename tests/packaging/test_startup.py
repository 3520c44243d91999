"""What the first lines of obsctl import, because start-up time is a feature."""

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"docker", "pydantic", "typer", "jinja2", "rich", "yaml", "promql_parser", "requests"}


def imported_by(*arguments: str, directory: Path | None = None) -> set[str]:
    program = (
        "import sys\n"
        "from obsctl.__main__ import main\n"
        f"code = main({list(arguments)!r})\n"
        "print(code, *{name.split('.')[0] for name in sys.modules}, file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=directory
    )
    code, *modules = done.stderr.splitlines()[-1].split()
    assert code == "0"
    return set(modules)


def test_version_imports_nothing_heavy() -> None:
    assert imported_by("--version") & HEAVY == set()


@pytest.mark.parametrize("command", ["--help", "up", "check"])
def test_help_imports_neither_docker_nor_jinja(command: str) -> None:
    arguments = [command] if command == "--help" else [command, "--help"]
    assert imported_by(*arguments) & {"docker", "jinja2", "rich", "promql_parser"} == set()


def test_what_is_known_is_told_with_nothing_heavy(tmp_path: Path) -> None:
    services = "services: { api: { kind: express, targets: [ 'localhost:3000' ] } }"
    (tmp_path / "obsctl.yaml").write_text(f"version: 1\nproject: light\n{services}\n")
    assert imported_by("render", directory=tmp_path) & HEAVY
    assert imported_by("render", directory=tmp_path) & HEAVY == set()


def test_what_every_up_imports() -> None:
    """The Engine's part, where nothing is to be done."""
    program = "import sys, obsctl.cli.up, obsctl.cli.bringing_up; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    slow = {"docker", "typer", "pydantic", "jinja2", "rich", "subprocess"}
    slow |= {"concurrent.futures", "tempfile", "shutil", "difflib", "logging"}
    assert set(done.stdout.split()) & slow == set()
