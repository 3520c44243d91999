"""What the first lines of obsctl import, because start-up time is a feature."""

import subprocess
import sys

import pytest

HEAVY = {"docker", "pydantic", "typer", "jinja2", "rich", "yaml", "promql_parser", "requests"}


def imported_by(*arguments: str) -> set[str]:
    program = (
        "import sys\n"
        "from obsctl.__main__ import main\n"
        f"code = main({list(arguments)!r})\n"
        "print(code, *{name.split('.')[0] for name in sys.modules}, file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    code, *modules = done.stderr.split()
    assert code == "0"
    return set(modules)


def test_version_imports_nothing_heavy() -> None:
    assert imported_by("--version") & HEAVY == set()


@pytest.mark.parametrize("command", ["--help", "up", "check"])
def test_help_imports_neither_docker_nor_jinja(command: str) -> None:
    arguments = [command] if command == "--help" else [command, "--help"]
    assert imported_by(*arguments) & {"docker", "jinja2", "rich", "promql_parser"} == set()
