"""The generated code passes the recommended rules of ESLint, and ruff."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.golden.cases import NAMES, rendered
from tests.kit.apps import app_directory
from tests.kit.host import KitUnavailable
from tests.tiers import unavailable

CONFIG = """\
import js from '@eslint/js';

export default [
  js.configs.recommended,
  { files: ['**/*.js', '**/*.cjs'], languageOptions: { sourceType: 'commonjs' } },
];
"""


def generated(suffixes: tuple[str, ...]) -> dict[str, str]:
    """Every generated file of every golden, under a name of its own."""
    return {
        f"{case}-{path.replace('/', '-')}": text
        for case in NAMES
        for path, text in rendered(case).items()
        if path.startswith("instrumentation/") and path.endswith(suffixes)
    }


def test_javascript_passes_eslint(node: str, tmp_path: Path) -> None:
    files = generated((".cjs",))
    assert len(files) >= 4 * 4
    own = Path(__file__).parent
    apps = (*own.glob("*.[cm]js"), *(own.parent / "kit" / "story").glob("*.cjs"))
    files |= {path.name: path.read_text() for path in apps}
    try:
        directory = app_directory(tmp_path / "lint", {**files, "eslint.config.mjs": CONFIG})
    except KitUnavailable as reason:
        unavailable("instrument", str(reason))
    program = str(directory / "node_modules" / "eslint" / "bin" / "eslint.js")
    done = subprocess.run(
        [node, program, "--max-warnings=0", "."],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("rules", ["E4,E7,E9,F", "B,UP,SIM,RET,PL,ARG,ASYNC"])
def test_python_passes_ruff(rules: str, tmp_path: Path) -> None:
    for name, text in generated((".py",)).items():
        (tmp_path / name).write_text(text)
    assert len(list(tmp_path.iterdir())) >= 3
    ruff = str(Path(sys.executable).with_name("ruff"))
    done = subprocess.run(
        [ruff, "check", "--isolated", "--target-version=py311", f"--select={rules}", "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
