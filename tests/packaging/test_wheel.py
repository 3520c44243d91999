"""The wheel carries everything: installed elsewhere it renders what the checkout renders."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.tiers import unavailable

ROOT = Path(__file__).resolve().parents[2]
SEED = ROOT / "tests" / "golden" / "seed"


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built by way of the source distribution, as an index would get it."""
    built = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", built, cwd=ROOT)
    (archive,) = built.glob("*.tar.gz")
    run("tar", "-xzf", archive, "-C", built, cwd=built)
    source = built / archive.name.removesuffix(".tar.gz")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", built, cwd=source)
    (path,) = built.glob("*.whl")
    return path


def tracked(*folders: str) -> set[str]:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        unavailable("packaging", "git or its checkout is missing: what belongs in is unknown")
    listed = run(
        "git", "ls-files", "--cached", "--others", "--exclude-standard", *folders, cwd=ROOT
    )
    return {line for line in listed.splitlines() if (ROOT / line).is_file()}


def test_wheel_holds_the_sources_and_nothing_else(wheel: Path) -> None:
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    expected = tracked("obsctl") | {f"obsctl/{name}" for name in tracked("templates")}
    assert inside == expected


def test_installed_wheel_renders_the_golden_from_the_root_folder(
    wheel: Path, tmp_path: Path
) -> None:
    environment = tmp_path / "environment"
    run(sys.executable, "-m", "venv", environment, cwd=tmp_path)
    run(environment / "bin" / "pip", "install", "--quiet", wheel, cwd=tmp_path)
    project = tmp_path / "project"
    project.mkdir()
    (project / "obsctl.yaml").write_text((SEED / "obsctl.yaml").read_text())
    obsctl = environment / "bin" / "obsctl"
    run(obsctl, "render", "--file", project / "obsctl.yaml", cwd=Path("/"))
    golden = {p.relative_to(SEED / "stack"): p.read_bytes()
              for p in (SEED / "stack").rglob("*") if p.is_file()}  # fmt: skip
    rendered = {p.relative_to(project / "stack"): p.read_bytes()
                for p in (project / "stack").rglob("*") if p.is_file()}  # fmt: skip
    assert rendered == golden
