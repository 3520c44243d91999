"""The hot-reloadable files of a service: what they hold, and when they last changed."""

import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from obsctl.engine.desired.coming import Coming
from obsctl.errors import EngineError, Problem, system_words


@dataclass(frozen=True, slots=True)
class HotFiles:
    """`digests` by path relative to stack/; `changed_at` is the newest mtime, in epoch seconds."""

    digests: Mapping[str, str] = field(default_factory=dict)
    changed_at: float = 0.0
    directories: tuple[str, ...] = ()  # below stack/

    def differences(self, loaded: Mapping[str, str]) -> tuple[str, ...]:
        """The files that are not as they were when they were loaded."""
        paths = sorted(self.digests.keys() | loaded.keys())
        return tuple(path for path in paths if self.digests.get(path) != loaded.get(path))

    def after(self, coming: Coming, directories: Iterable[str]) -> "HotFiles":
        """As it will be once `coming` is written."""
        roots = tuple(f"{directory}/" for directory in directories)
        fresh = {
            path: hashlib.sha256(text.encode()).hexdigest()
            for path, text in coming.texts.items()
            if path.startswith(roots)
        }
        kept = {path: one for path, one in self.digests.items() if path not in coming.gone}
        digests = {**kept, **fresh}
        return self if digests == self.digests else HotFiles(digests, time.time(), self.directories)


def read_hot_files(base: Path, directories: Iterable[str]) -> HotFiles:
    """Hash every file below the directories; one that does not exist is empty.

    EngineError for a file that cannot be read.
    """
    digests: dict[str, str] = {}
    changed_at = 0.0
    directories = tuple(directories)
    for directory in directories:
        root = base / directory
        # A directory's own time tells of files that were removed.
        for path in (root, *_below(root)) if root.is_dir() else ():
            try:
                changed_at = max(changed_at, path.stat().st_mtime)
                if path.is_file():
                    digest = hashlib.sha256(path.read_bytes()).hexdigest()
                    digests[path.relative_to(base).as_posix()] = digest
            except FileNotFoundError:
                continue  # it went while we looked, or leads nowhere: nobody can load it
            except OSError as error:
                raise _unreadable(path, error) from None
    return HotFiles(digests, changed_at, directories)


def _unreadable(path: Path, error: OSError) -> EngineError:
    words = system_words(error)
    hint = "its owner and mode must let whoever runs obsctl read it, and the container as well"
    return EngineError(Problem(f"`{path}` cannot be read: {words}", hint=hint))


def _below(root: Path) -> Iterator[Path]:
    """Hidden files are on their way in or out; no component loads them."""
    for path in sorted(root.rglob("*")):
        if not any(part.startswith(".") for part in path.relative_to(root).parts):
            yield path
