"""compose-lint and dclint over every golden's compose file: none in the core stack."""

import json
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from obsctl.cli import run
from obsctl.conventions import IMAGES
from tests.golden.cases import CASES, NAMES
from tests.tiers import unavailable

CONFIG = Path(__file__).parents[2] / ".compose-lint.yml"
# What measures the host has to see it.
OPT_IN = {"host-exporter", "containers-exporter"}
OPT_IN_MAX = 2
DIGEST = "sha256:" + "5" * 64
DCLINT = "dclint@3.1.0"


def linted(file: Path, folder: Path, *options: str) -> list[dict[str, Any]]:
    program = Path(sys.executable).with_name("compose-lint")
    if not program.exists():
        unavailable("tools", "compose-lint is not installed; `make setup` does it")
    # Not where the checkout happens to be: below /root every bind mount would be a finding.
    copy = shutil.copy(file, folder)
    command = [str(program), *options, "--fail-on", "low", "--format", "json", str(copy)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    assert report["errors"] == []
    assert (done.returncode == 0) == all(one.get("suppressed") for one in report["findings"])
    return list(report["findings"])


@pytest.mark.parametrize("name", NAMES)
def test_compose_lint_finds_nothing_in_the_core(name: str, tmp_path: Path) -> None:
    file = CASES / name / "stack/docker-compose.yml"
    found = [one for one in linted(file, tmp_path, f"--config={CONFIG}") if not is_of_digest(one)]
    assert [one for one in found if not one["suppressed"]] == []
    rules: dict[str, set[str]] = defaultdict(set)
    for one in found:
        rules[one["service"]].add(one["rule_id"])
    assert rules.keys() <= OPT_IN
    assert all(len(found) <= OPT_IN_MAX for found in rules.values()), rules
    print(f"{name}: 0 findings, {sum(map(len, rules.values()))} rules suppressed")


def is_of_digest(finding: Mapping[str, object]) -> bool:
    return finding["rule_id"] == "CL-0019"


def test_with_digests_nothing_is_suppressed_in_the_core(tmp_path: Path) -> None:
    pinned = "".join(f"    {key}: {image}@{DIGEST}\n" for key, image in IMAGES.items())
    text = (CASES / "seed/obsctl.yaml").read_text()
    assert "\nstack:" not in text
    (tmp_path / "obsctl.yaml").write_text(f"{text}stack:\n  images:\n{pinned}")
    assert run(["render", "--file", str(tmp_path / "obsctl.yaml")]) == 0
    (tmp_path / "linted").mkdir()
    found = linted(tmp_path / "stack/docker-compose.yml", tmp_path / "linted")
    assert {one["service"] for one in found} <= OPT_IN
    assert not any(map(is_of_digest, found))


@pytest.fixture(scope="module")
def dclint(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("dclint")
    command = [
        "npm",
        "install",
        "--silent",
        "--no-audit",
        "--no-fund",
        "--prefix",
        str(folder),
        DCLINT,
    ]
    try:
        subprocess.run(command, capture_output=True, check=True, timeout=120)
    except (OSError, subprocess.SubprocessError) as error:
        unavailable("tools", f"dclint cannot be installed by npm: {type(error).__name__}")
    return str(folder / "node_modules/.bin/dclint")


@pytest.mark.parametrize("name", NAMES)
def test_dclint_finds_nothing(dclint: str, name: str) -> None:
    file = CASES / name / "stack/docker-compose.yml"
    command = [dclint, "--formatter", "json", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    messages = [one for report in json.loads(done.stdout) for one in report["messages"]]
    assert [(one["rule"], one["line"]) for one in messages] == []
