"""The action for CI, its steps run as a runner does: only stale files make it fail."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
SEED = ROOT / "tests" / "golden" / "seed"


def run_step(
    step: dict[str, Any], workspace: Path, temp: Path
) -> "subprocess.CompletedProcess[str]":
    """One composite step; `shell: bash` means these options."""
    assert step["shell"] == "bash"
    own = {"GITHUB_ACTION_PATH": str(ROOT), "RUNNER_TEMP": str(temp)}
    given = {
        name: value.replace("${{ inputs.file }}", "ops/obsctl.yaml")
        for name, value in step.get("env", {}).items()
    }
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=workspace,
        env={**os.environ, **own, **given},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_action_fails_on_stale_files_only(tmp_path: Path) -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    assert set(action["inputs"]) == {"file"}
    install, compare = action["runs"]["steps"]
    workspace, temp = tmp_path / "workspace", tmp_path / "temp"
    temp.mkdir()
    shutil.copytree(SEED, workspace / "ops")
    installed = run_step(install, workspace, temp)
    assert installed.returncode == 0, installed.stderr
    fresh = run_step(compare, workspace, temp)
    assert fresh.returncode == 0, fresh.stderr
    project_file = workspace / "ops" / "obsctl.yaml"
    project_file.write_text(project_file.read_text().replace("localhost:3000", "localhost:3005"))
    stale = run_step(compare, workspace, temp)
    assert stale.returncode == 1
    assert "+" in stale.stdout
    assert "3005" in stale.stdout
    project_file.write_text(project_file.read_text() + "\nunknown: 1\n")
    wrong = run_step(compare, workspace, temp)
    assert wrong.returncode == 3
    assert "unknown setting `unknown`" in wrong.stderr
