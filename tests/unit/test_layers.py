"""The layers of obsctl: imports point downwards only, and one module each talks to Docker."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import obsctl

ROOT = Path(obsctl.__file__).parent

# Lower layers first; rooms on one line may not import each other.
LAYERS: tuple[frozenset[str], ...] = (
    frozenset({"errors", "conventions"}),
    frozenset({"project", "catalog"}),
    frozenset({"stack"}),
    frozenset({"render"}),
    frozenset({"engine"}),
    frozenset({"health"}),
    frozenset({"rotation"}),
    frozenset({"console"}),
    frozenset({"cli"}),
)
LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}
# The same inside of the large rooms; the last are what others call.
INSIDE: dict[str, tuple[frozenset[str], ...]] = {
    "engine": (
        frozenset({"desired"}),
        frozenset({"connection"}),
        frozenset({"client"}),
        frozenset({"run"}),
        frozenset({"planning"}),
        frozenset({"components", "preflight"}),
        frozenset({"applying"}),
        frozenset({"up", "down", "status", "logs", "located"}),
    ),
    "health": (
        frozenset({"findings"}),
        frozenset({"asking", "telling"}),
        frozenset({"judging"}),
        frozenset({"checks"}),
        frozenset({"audit", "canaries"}),
        frozenset({"registry"}),
        frozenset({"session"}),
    ),
}


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(ROOT.rglob("*.py")):
        relative = path.relative_to(ROOT).with_suffix("")
        yield ".".join(relative.parts), path


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(ast.parse(path.read_text())))


def imports(path: Path) -> Iterator[str]:
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""


def test_imports_point_downwards() -> None:
    wrong = []
    for name, path in modules():
        room = name.split(".")[0]
        if room not in LEVEL:
            continue
        for target in imports(path):
            parts = target.split(".")
            if parts[0] != "obsctl" or len(parts) == 1 or parts[1] == room:
                continue
            shared = room == "catalog" and parts[1] == "project"
            if LEVEL[parts[1]] >= LEVEL[room] and not shared:
                wrong.append(f"{name} imports {target}")
    assert wrong == []


@pytest.mark.parametrize("large", INSIDE)
def test_imports_inside_of_a_large_room_point_downwards(large: str) -> None:
    order = {room: level for level, rooms in enumerate(INSIDE[large]) for room in rooms}
    wrong = []
    for name, path in modules():
        inside = name.split(".")[1:]
        if not name.startswith(f"{large}.") or inside == ["__init__"]:
            continue
        for target in imports(path):
            parts = target.split(".")
            if parts[:2] != ["obsctl", large] or parts[2] == inside[0]:
                continue
            if order[parts[2]] >= order[inside[0]]:
                wrong.append(f"{name} imports {target}")
    assert wrong == []


def test_every_room_has_a_layer() -> None:
    rooms = {name.split(".")[0] for name, _ in modules()}
    assert rooms - set(LEVEL) == {"__init__", "__main__"}


def test_only_the_client_imports_docker() -> None:
    found = {name for name, path in modules() for target in imports(path)
             if target.split(".")[0] == "docker"}  # fmt: skip
    assert found <= {"engine.client"}


def test_only_the_console_prints() -> None:
    for name, path in modules():
        if name.split(".")[0] in {"console", "__main__"}:
            continue
        for node in nodes(path):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id != "print", f"{name}:{node.lineno}"


def test_files_stay_short() -> None:
    long = {str(path.relative_to(ROOT)): count for _, path in modules()
            if (count := len(path.read_text().splitlines())) > 250}  # fmt: skip
    assert long == {}
