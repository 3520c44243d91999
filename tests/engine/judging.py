"""How what `up` makes of a fault is judged, whatever the fault is."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.engine.small_stack import Done, Json, Project
from tests.engine.test_up import assert_up_is_quiet, up

KEPT = ("kept", "bytes")


class Judge:
    """Of one fault in `project`; `was` is what ran before it."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.was: Json = project.shape()
        if self.was["containers"]:
            self.redis("set", *KEPT)
            self.redis("save")

    def redis(self, *command: str) -> str:
        return self.project.docker("exec", f"{self.project.name}-redis-1", "redis-cli", *command)

    def told(self, done: Done, resource: str, next_step: str, *words: str, code: int = 5) -> Done:
        """An error that names the resource, with its next step, and no traceback."""
        assert done.code == code, done
        assert "Traceback" not in done.stderr, done
        lines = done.stderr.splitlines()
        assert any(resource in one for one in lines if one.startswith("error: ")), (resource, done)
        assert any(next_step in one for one in lines if one.startswith("hint: ")), (next_step, done)
        for word in words:
            assert word in done.stderr, (word, done)
        return done

    def after(self, directory: Path) -> None:
        """The fault has gone: the next `up` is clean and the one after it changes nothing."""
        project = self.project
        done = up(project)
        assert "error: " not in done.stderr, done
        now = project.shape()
        assert set(now["containers"]) == {
            f"{project.name}-{name}-1" for name in project.document["services"]
        }
        assert now["networks"] == [f"{project.name}_observability"]
        assert now["volumes"] == [f"{project.name}_prometheus", f"{project.name}_redis"]
        if self.was["containers"]:
            assert now == self.was
            assert self.redis("get", KEPT[0]) == KEPT[1]
        assert not list(project.stack.rglob(".obsctl-staged"))
        assert not (project.root / ".obsctl" / "journal.json").exists()
        assert_up_is_quiet(project, directory)


@contextmanager
def judging(project: Project, directory: Path) -> Iterator[Judge]:
    """The block puts a fault in, judges what is told, and takes the fault out again."""
    judge = Judge(project)
    yield judge
    judge.after(directory)
