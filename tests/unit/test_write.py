"""Writing the tree: only what differs, all or nothing, nobody else's work."""

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import NoReturn

import pytest

from obsctl.conventions import MANIFEST_FILE
from obsctl.errors import RenderError
from obsctl.render import write as module
from obsctl.render.manifest import sha256
from obsctl.render.rendered import RenderedFile
from obsctl.render.write import Changes, difference, is_stale, write


def files(**texts: str) -> list[RenderedFile]:
    """`a__b` stands for the path a/b."""
    return [RenderedFile(PurePosixPath(k.replace("__", "/")), v) for k, v in texts.items()]


def tree(directory: Path) -> dict[str, str]:
    return {
        path.relative_to(directory).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(directory.rglob("*"))
        if path.is_file() and path.name != MANIFEST_FILE
    }


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    """A directory that holds a=1, x/b=2 and x/y/c=3, as obsctl wrote them."""
    write(files(a="1\n", x__b="2\n", x__y__c="3\n"), tmp_path / "stack")
    return tmp_path / "stack"


def test_a_second_write_touches_nothing(stack: Path) -> None:
    def times() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in stack.rglob("*")}

    before = times()
    assert not write(files(a="1\n", x__b="2\n", x__y__c="3\n"), stack)
    assert times() == before
    assert difference(files(a="1\n", x__b="2\n", x__y__c="3\n"), stack) == ""


def test_only_what_differs_is_written_and_the_rest_pruned(stack: Path) -> None:
    untouched = (stack / "a").stat()
    changes = write(files(a="1\n", x__b="new\n"), stack)
    assert changes == Changes(written=("x/b",), pruned=("x/y/c",))
    assert tree(stack) == {"a": "1\n", "x/b": "new\n"}
    assert (stack / "a").stat().st_ino == untouched.st_ino
    assert not (stack / "x/y").exists(), "an empty directory is left behind"


def test_readable_by_every_container_user(tmp_path: Path) -> None:
    stack = tmp_path / "stack"
    previous = os.umask(0o077)
    try:
        write(files(a="1\n", **{"x/y/b": "2\n"}), stack)
    finally:
        os.umask(previous)

    def modes() -> dict[str, int]:
        return {name: (stack / name).stat().st_mode & 0o777 for name in ("a", "x", "x/y", "x/y/b")}

    assert modes() == {"a": 0o644, "x": 0o755, "x/y": 0o755, "x/y/b": 0o644}
    assert stack.stat().st_mode & 0o777 == 0o700, "it is not mounted, and stays as its owner has it"
    # As a clone leaves it: the content is right.
    (stack / "x/y/b").chmod(0o600)
    (stack / "x").chmod(0o700)
    assert not write(files(a="1\n", **{"x/y/b": "2\n"}), stack)
    assert modes() == {"a": 0o644, "x": 0o755, "x/y": 0o755, "x/y/b": 0o644}


def test_foreign_files_stay(stack: Path) -> None:
    (stack / "x/y/mine.txt").write_text("mine", encoding="utf-8")
    write(files(a="1\n"), stack)
    assert tree(stack) == {"a": "1\n", "x/y/mine.txt": "mine"}


@pytest.mark.parametrize("wanted", [files(a="1\n", x__b="new\n"), files(a="1\n")])
def test_an_edited_file_is_refused_and_nothing_changes(
    stack: Path, wanted: list[RenderedFile]
) -> None:
    (stack / "x/b").write_text("by hand\n", encoding="utf-8")
    before = tree(stack)
    with pytest.raises(RenderError, match="`x/b` was edited by hand"):
        write(wanted, stack)
    assert tree(stack) == before
    assert write(wanted, stack, force=True)
    assert "by hand\n" not in tree(stack).values()


def test_an_edit_that_says_the_same_is_taken_over(stack: Path) -> None:
    (stack / "a").write_text("2\n", encoding="utf-8")
    assert write(files(a="2\n"), stack).written == ()
    assert write(files(a="3\n"), stack).written == ("a",)


def test_a_foreign_file_in_the_way_is_refused(stack: Path) -> None:
    (stack / "new").write_text("mine", encoding="utf-8")
    with pytest.raises(RenderError, match="`new` is in the way"):
        write(files(a="changed\n", new="ours\n"), stack)
    assert (stack / "a").read_text(encoding="utf-8") == "1\n"


def test_symbolic_links_are_refused(stack: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (stack / "linked").symlink_to(outside)
    with pytest.raises(RenderError, match="symbolic link"):
        write(files(linked__a="1\n"), stack)
    assert list(outside.iterdir()) == []
    (stack / "a").unlink()
    (stack / "a").symlink_to(outside / "target")
    with pytest.raises(RenderError, match="symbolic link"):
        write(files(a="2\n"), stack)


def test_a_manifest_cannot_delete_outside(stack: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("v", encoding="utf-8")
    manifest = stack / MANIFEST_FILE
    document = json.loads(manifest.read_text(encoding="utf-8"))
    document["files"]["../victim"] = sha256(b"v")
    manifest.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(RenderError, match="is not what obsctl wrote"):
        write(files(a="1\n"), stack)
    write(files(a="1\n"), stack, force=True)
    assert victim.exists()


@pytest.mark.parametrize("content", ["", "{}", "[]", "<<<<<<< HEAD", '{"format": 9, "files": {}}'])
def test_a_broken_manifest_is_refused(stack: Path, content: str) -> None:
    (stack / MANIFEST_FILE).write_text(content, encoding="utf-8")
    with pytest.raises(RenderError, match="is not what obsctl wrote"):
        write(files(a="1\n"), stack)
    assert difference(files(a="1\n", x__b="2\n", x__y__c="3\n"), stack)


def test_a_lost_manifest_is_made_anew(stack: Path) -> None:
    (stack / MANIFEST_FILE).unlink()
    assert not write(files(a="1\n", x__b="2\n"), stack)
    assert (stack / MANIFEST_FILE).exists()


def fail_at(call: int, original: Callable[..., object]) -> Callable[..., object]:
    calls = iter(range(call))

    def replacement(*arguments: object, **options: object) -> object:
        if next(calls, None) is None:
            raise OSError(errno.ENOSPC, "No space left on device", "the disk")
        return original(*arguments, **options)

    return replacement


@pytest.mark.parametrize("call", [0, 1, 2, 3])
def test_a_full_disk_leaves_everything_as_it_was(
    stack: Path, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    before = tree(stack), (stack / MANIFEST_FILE).read_bytes()
    monkeypatch.setattr(module, "_stage", fail_at(call, module._stage))  # noqa: SLF001 - the disk's part
    with pytest.raises(RenderError, match="no space left on device"):
        write(files(a="9\n", new__dir__b="9\n", x__b="9\n"), stack)
    assert (tree(stack), (stack / MANIFEST_FILE).read_bytes()) == before
    assert not (stack / "new").exists()


def test_a_write_that_is_cut_short_is_taken_up(
    stack: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between two renames; the next run, with other content, sees no edit by hand."""

    class Killed(BaseException):
        pass

    original = Path.replace
    renamed: list[Path] = []

    def replace(self: Path, target: Path) -> Path:
        if len(renamed) == 2:  # the journal and one file
            raise Killed
        renamed.append(target)
        return original(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(Killed):
        write(files(a="half\n", x__b="half\n"), stack)
    monkeypatch.undo()
    assert "half\n" in tree(stack).values()
    write(files(a="whole\n", x__b="whole\n"), stack)
    assert tree(stack) == {"a": "whole\n", "x/b": "whole\n"}


def test_a_directory_that_cannot_be_made_is_one_plain_problem(tmp_path: Path) -> None:
    (tmp_path / "stack").write_text("a file", encoding="utf-8")
    with pytest.raises(RenderError) as caught:
        write(files(a="1\n"), tmp_path / "stack")
    assert len(caught.value.problems) == 1


def test_read_only_is_one_plain_problem(stack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> NoReturn:
        raise PermissionError(errno.EROFS, "Read-only file system", str(stack / "a"))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(RenderError, match="read-only file system"):
        write(files(a="9\n"), stack)


def test_difference_is_a_unified_diff_of_all_that_would_change(stack: Path) -> None:
    text = difference(files(a="one\n", new="n\n", x__b="2\n"), stack)
    assert text == (
        "--- a/stack/a\n+++ b/stack/a\n@@ -1 +1 @@\n-1\n+one\n"
        "--- a/stack/new\n+++ b/stack/new\n@@ -0,0 +1 @@\n+n\n"
        "--- a/stack/x/y/c\n+++ b/stack/x/y/c\n@@ -1 +0,0 @@\n-3\n"
    )
    assert tree(stack)["a"] == "1\n"


def test_difference_of_a_tree_that_is_not_there(tmp_path: Path) -> None:
    told = difference(files(a="1\n"), tmp_path / "stack")
    assert told == "stack/ is not rendered yet: 1 file is to be written\n"
    assert not (tmp_path / "stack").exists()


def test_a_file_in_place_of_the_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "stack").write_text("")
    for stage in (write, difference, is_stale):
        with pytest.raises(RenderError, match="is not a directory") as caught:
            stage(files(a="1\n"), tmp_path / "stack")
        assert MANIFEST_FILE not in str(caught.value)


def test_a_file_in_place_of_a_directory_below_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    stack = tmp_path / "stack"
    stack.mkdir()
    (stack / "b").write_text("")
    wanted = (RenderedFile(PurePosixPath("a/x"), "1"), RenderedFile(PurePosixPath("b/x"), "2"))
    with pytest.raises(RenderError, match=r"stack/b` cannot be written: file exists$") as caught:
        write(wanted, stack)
    assert "move what is there out of the way" in str(caught.value.problems[0].hint)
    assert [path.name for path in stack.rglob("*")] == ["b"]


def test_a_directory_that_takes_no_files_is_named_and_no_temporary_file() -> None:
    # There even root makes none.
    with pytest.raises(RenderError, match=r"^`/proc/sys/kernel` cannot be written: "):
        write(files(a="1\n"), Path("/proc/sys/kernel"))
