"""promtool accepts the rules of every kind, with lint, and their unit tests pass."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from obsctl.stack.cases import EVALUATION_S, SLOW_EVALUATION_S
from obsctl.stack.rules import Rules
from tests.tiers import unavailable
from tests.tools.mutation import plain_rules
from tests.unit.catalog_support import EVERY_KIND, SMALL, rules_of

TUNED = """\
alerts:
  HighErrorRate: { warning: 1%, critical: 50%, for: 20m }
  HighLatency: { warning: 700ms, critical: 1s }
  NodejsEventLoopLag: { critical: 3s }
  UnusualTraffic: { info: 5 }
  TrafficStopped: { severity: critical }
slo: { api: { availability: 95%, latency: { under: 500ms, ratio: 99% } } }
"""


@pytest.fixture(scope="session")
def promtool() -> str:
    """The one on PATH, else the kit's."""
    if found := shutil.which("promtool"):
        return found
    from tests.kit.host import KitUnavailable
    from tests.kit.tools import ensure_tools

    try:
        return str(ensure_tools() / "promtool")
    except (KitUnavailable, OSError) as error:
        unavailable("tools", str(error))


def written(rules: Rules, directory: Path) -> Path:
    groups = [{"name": g.name, "rules": plain_rules(g.rules)} for g in rules.groups]
    _write(directory / "rules.yml", {"groups": groups})
    for slow, interval_s in ((False, EVALUATION_S), (True, SLOW_EVALUATION_S)):
        tests = [dict(test.document) for test in rules.tests if test.slow is slow]
        content = {
            "rule_files": ["rules.yml"],
            "evaluation_interval": f"{interval_s}s",
            "tests": tests,
        }
        _write(directory / f"slow_{slow}.yml", content)
    return directory


def _write(path: Path, content: Any) -> None:  # noqa: ANN401 - plain data
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def accepts(promtool: str, *arguments: str | Path) -> None:
    command = [promtool, *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=600, env=os.environ
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]


@pytest.mark.parametrize("text", [EVERY_KIND, SMALL + TUNED], ids=["every kind", "tuned"])
@pytest.mark.parametrize("slow", [False, True], ids=["common", "week-long"])
def test_unit_tests_pass(promtool: str, tmp_path: Path, text: str, *, slow: bool) -> None:
    directory = written(rules_of(tmp_path, text), tmp_path)
    accepts(promtool, "test", "rules", directory / f"slow_{slow}.yml")


def test_lint(promtool: str, tmp_path: Path) -> None:
    directory = written(rules_of(tmp_path, EVERY_KIND), tmp_path)
    accepts(promtool, "check", "rules", "--lint=all", "--lint-fatal", directory / "rules.yml")
