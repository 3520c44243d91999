"""Unified diffs: right, minimal where it matters, and fast on very large files."""

import random
import shutil
import subprocess
import time
from difflib import unified_diff
from pathlib import Path

import pytest

from obsctl.render.differences import unified

FAST_S = 5.0


def reference(old: str, new: str) -> str:
    lines = unified_diff(old.splitlines(), new.splitlines(), "a", "b", lineterm="")
    return "".join(f"{line}\n" for line in lines)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", ""),
        ("", "x\n"),
        ("x\n", ""),
        ("x\n", "x\n"),
        ("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n"),
        ("1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n", "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n"),
        ("a\na\na\n", "a\na\n"),
    ],
)
def test_as_difflib_says(old: str, new: str) -> None:
    assert unified(old, new, "a", "b") == reference(old, new)


@pytest.mark.skipif(shutil.which("patch") is None, reason="needs patch")
def test_patch_makes_the_new_file_of_the_old_one(tmp_path: Path) -> None:
    chance = random.Random(7)  # noqa: S311 - a test's input
    for _ in range(40):
        old = [chance.choice("abcdefgh") for _ in range(chance.randrange(60))]
        new = [x for x in old if chance.random() > 0.2]
        for _ in range(chance.randrange(6)):
            new.insert(chance.randrange(len(new) + 1), chance.choice("abxyz"))
        texts = ["".join(f"{line}\n" for line in lines) for lines in (old, new)]
        (tmp_path / "file").write_text(texts[0], encoding="utf-8")
        diff = unified(texts[0], texts[1], "file", "file")
        if diff:
            subprocess.run(["patch", "-s", "file"], cwd=tmp_path, input=diff, text=True, check=True)
            content = (tmp_path / "file").read_text("utf-8") if (tmp_path / "file").exists() else ""
            assert content == texts[1]


def test_one_change_in_each_of_a_thousand_services_is_quick() -> None:
    def rules(threshold: str) -> str:
        rule = "- alert: A\n  expr: x > {1}\n  for: 5m\n  labels:\n    severity: warning\n"
        return "".join(
            f"name: svc-{i}\n" + rule.replace("{1}", threshold) * 20 for i in range(1000)
        )

    began = time.perf_counter()
    diff = unified(rules("1"), rules("2"), "a", "b")
    assert time.perf_counter() - began < FAST_S
    assert diff.count("\n-  expr: x > 1") == diff.count("\n+  expr: x > 2") == 20_000
