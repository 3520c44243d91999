"""compose-lint and dclint over every golden's compose file: none in the core stack."""

import json
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from tests.golden.cases import CASES, NAMES
from tests.tiers import unavailable

# The digest of an image is known to its registry only: `stack.images` takes one, and the pinned
# tags of the defaults are no place for a digest that nobody has verified.
UNKNOWN_DIGEST = "CL-0019"
# What measures the host has to see it; the reason stands beside each in the compose file.
OPT_IN = {
    "host-exporter": {"CL-0001", "CL-0010"},  # reads the host's file systems and processes
    # As the first, and the kernel's control groups and the Engine's data; that takes root.
    "containers-exporter": {"CL-0001", "CL-0013", "CL-0018"},
}
DCLINT = "dclint@3.1.0"


@pytest.mark.parametrize("name", NAMES)
def test_compose_lint_finds_nothing_in_the_core(name: str, tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("compose-lint")
    if not program.exists():
        unavailable("tools", "compose-lint is not installed; `make setup` does it")
    # Not where the checkout happens to be: below /root every bind mount would be a finding.
    file = shutil.copy(CASES / name / "stack/docker-compose.yml", tmp_path)
    command = [str(program), "--fail-on", "low", "--format", "json", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    assert report["errors"] == []
    found: dict[str, set[str]] = defaultdict(set)
    for one in report["findings"]:
        if one["rule_id"] != UNKNOWN_DIGEST:
            found[one["service"]].add(one["rule_id"])
    print(f"{name}: {sum(map(len, found.values()))} suppressed")
    assert all(rules <= OPT_IN.get(service, set()) for service, rules in found.items()), found
    assert found.keys() <= OPT_IN.keys()


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
