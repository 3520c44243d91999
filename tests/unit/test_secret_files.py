"""What `check` says of secrets/: unusable values, tracked files, containers with older ones."""

import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from obsctl.health.asking.container_state import ContainerState
from obsctl.health.asking.context import Context
from obsctl.health.checks import secret_files
from obsctl.stack.model import Service
from tests.engine.health_lab import bare_stack

NAME = "slack_webhook"


def started(moment: float) -> tuple[ContainerState, ...]:
    return (
        ContainerState("alertmanager", "a-1", "running", "healthy", 0, False, 0, moment, {}),  # noqa: FBT003 - in the order of the fields
    )


@pytest.fixture
def context(tmp_path: Path) -> Context:
    """A project with one secret that Alertmanager reads; it was written before the start."""
    folder = tmp_path / "secrets"
    folder.mkdir(mode=0o700)
    (folder / ".gitignore").write_text("*\n")
    (folder / NAME).write_text("https://hooks.example.com/a/long/enough/token")
    (folder / NAME).chmod(0o444)
    service = Service("alertmanager", "none", None, secrets=(NAME,))
    stack = replace(bare_stack("shop"), secrets=(NAME,), services=(service,))
    later = time.time() + 60
    return Context(stack, {}, tmp_path, tmp_path / "stack", folder, lambda: started(later))


def codes(context: Context) -> list[str]:
    checks = (secret_files.usable, secret_files.loaded, secret_files.untracked)
    return [finding.code for one in checks for finding in one(context) if finding.state == "fail"]


def test_good_files_are_no_news(context: Context) -> None:
    assert codes(context) == []


def test_a_value_that_nobody_can_use(context: Context) -> None:
    file = context.secrets_directory / NAME
    file.unlink()
    file.write_text("")
    assert codes(context) == ["secret-unusable"]


def test_a_container_that_is_older_than_its_secret(context: Context) -> None:
    assert codes(replace(context, containers=lambda: started(1.0))) == ["secret-outdated"]


def test_a_secret_that_git_has(context: Context) -> None:
    for words in (["init", "-q"], ["add", "-f", f"secrets/{NAME}"]):
        subprocess.run(["git", "-C", context.root, *words], check=True)
    assert codes(context) == ["secret-tracked"]


def test_a_file_that_a_secret_comes_from_is_kept_from_git_as_well(context: Context) -> None:
    (context.root / "hook.txt").write_text("https://hooks.example.com/a/long/enough/token")
    (context.root / "link.txt").symlink_to("/etc/hostname")
    sources = ("../elsewhere.txt", "/etc/hostname", "hook.txt", "link.txt")
    given = replace(context, stack=replace(context.stack, secret_files=sources))
    subprocess.run(["git", "-C", context.root, "init", "-q"], check=True)
    assert codes(given) == ["secret-source-not-ignored"]
    (context.root / ".gitignore").write_text("/hook.txt\n")
    assert codes(given) == []
    subprocess.run(["git", "-C", context.root, "add", "-f", "hook.txt"], check=True)
    assert codes(given) == ["secret-tracked"]


def test_what_git_does_not_look_into_is_no_clean_bill(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told() -> str:
        (finding,) = secret_files.untracked(context)
        assert finding.state == "skip"
        return finding.evidence

    assert "in no git repository" in told()
    subprocess.run(["git", "-C", context.root, "init", "-q"], check=True)
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    assert "git cannot be asked: detected dubious ownership" in told()
