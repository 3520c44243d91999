"""Writes the rendered tree: only what differs, all or nothing, and nobody's work but its own."""

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from obsctl.conventions import MANIFEST_FILE
from obsctl.errors import Problem, RenderError, unwritable
from obsctl.render.access import open_to_containers
from obsctl.render.foreign import foreign_files
from obsctl.render.manifest import Manifest, read_manifest, sha256
from obsctl.render.rendered import RenderedFile, encoded

_WRITERS = 8
_MODE = 0o644  # containers read these files as their own users


@dataclass(frozen=True, slots=True)
class Changes:
    """Paths under stack/ that a write has touched, sorted."""

    written: tuple[str, ...] = ()
    pruned: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.written or self.pruned)


def write(files: Iterable[RenderedFile], directory: Path, *, force: bool = False) -> Changes:
    """Make `directory` hold `files`, and remove what obsctl wrote there before and no longer does.

    Raises RenderError, with nothing changed, for a file that was edited by hand or that obsctl
    did not write (unless `force`), for symbolic links, and where the directory cannot be written.
    """
    with _plainly(directory):
        # Encoded one by one: all of them would take as much memory as the texts once more.
        wanted = {str(file.path): file.text for file in files}
        manifest = read_manifest(directory, force=force)
        current = files_in_place(directory, {*wanted, *manifest.paths})
        written = sorted(path for path in wanted if current.get(path) != wanted[path].encode())
        pruned = sorted(path for path in current if path not in wanted)
        if not force:
            touched = {path: current[path] for path in (*written, *pruned) if path in current}
            if problems := foreign_files(directory, manifest, touched):
                raise RenderError(*problems)
        final = Manifest({path: sha256(text.encode()) for path, text in wanted.items()})
        if written or pruned or final != manifest:
            _replace(directory, {path: wanted[path] for path in written}, manifest, final)
            _prune(directory, pruned)
            _replace(directory, {MANIFEST_FILE: final.text()})
    open_to_containers(directory, wanted)
    return Changes(tuple(written), tuple(pruned))


def is_stale(files: Iterable[RenderedFile], directory: Path) -> bool:
    """True where `write` would change something; cheaper than the difference itself."""
    with _plainly(directory):
        texts = {str(file.path): file.text for file in files}
        known = read_manifest(directory, force=True).paths
        current = files_in_place(directory, {*texts, *known})
        return current.keys() != texts.keys() or any(
            current[path] != text.encode() for path, text in texts.items()
        )


def difference(files: Iterable[RenderedFile], directory: Path) -> str:
    """What `write` would change, as a unified diff; "" when the tree is in sync.

    Of a tree that was never written, one line: all of it would be the difference.
    """
    with _plainly(directory):
        wanted = {str(file.path): file.text for file in files}
        manifest = read_manifest(directory, force=True)
        current = files_in_place(directory, {*wanted, *manifest.paths, MANIFEST_FILE})
    if not current:
        count = "1 file is" if len(wanted) == 1 else f"{len(wanted)} files are"
        return f"{directory.name}/ is not rendered yet: {count} to be written\n"
    hashes = Manifest({path: sha256(text.encode()) for path, text in wanted.items()})
    stored = _text(current.pop(MANIFEST_FILE, None))
    diffs = [
        _diff(path, _text(current.get(path)), wanted.get(path, ""), directory)
        for path in sorted({*wanted, *current})
    ]
    # Hashes say nothing that the files' own differences do not say better.
    text = "".join(diffs)
    return text or _diff(MANIFEST_FILE, stored, hashes.text(), directory)


def _diff(path: str, old: str, new: str, directory: Path) -> str:
    from obsctl.render.differences import unified

    return unified(old, new, *(f"{side}/{directory.name}/{path}" for side in "ab"))


def _text(content: bytes | None) -> str:
    return "" if content is None else content.decode(errors="replace")


def files_in_place(directory: Path, paths: Iterable[str]) -> dict[str, bytes]:
    """What is on disk now, for those of `paths` that exist; RenderError for symbolic links."""
    checked: set[Path] = set()
    found: dict[str, bytes] = {}
    if not os.path.lexists(directory):
        return found  # as before the first render, which may be of thousands
    for path in sorted(paths):
        place = directory / path
        _refuse_links(directory, place, checked)
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            found[path] = place.read_bytes()
    return found


def _refuse_links(directory: Path, place: Path, checked: set[Path]) -> None:
    """A link would send a write elsewhere, and Docker mounts what it leads to."""
    part = place
    while part not in checked:
        checked.add(part)
        if part.is_symlink():
            hint = "remove the link; obsctl writes plain files only"
            raise RenderError(Problem(f"`{part}` is a symbolic link", hint=hint))
        if part == directory:
            return
        part = part.parent


def _replace(
    directory: Path,
    contents: Mapping[str, str],
    manifest: Manifest | None = None,
    final: Manifest | None = None,
) -> None:
    """Write every file beside its place first; only then put them there, one by one."""
    journal = {}
    if manifest and final and contents:
        pending = {path: final.files[path] for path in contents}
        journal[MANIFEST_FILE] = Manifest(manifest.files, pending).text()
    # The journal comes first, so that a run that is cut short can be told from an edit.
    texts = {directory / path: text for path, text in (journal | dict(contents)).items()}
    folders = {place.parent: None for place in texts}
    made: list[Path] = []
    try:
        for folder in folders:
            made += _make_directories(folder)
        _at_once(lambda place: _stage(place, texts[place]), texts)
        for place in texts:
            _beside(place).replace(place)
        _at_once(_sync, folders)
    except BaseException:
        # None of this may hide what went wrong.
        for place in texts:
            with contextlib.suppress(OSError):
                _beside(place).unlink()
        for parent in reversed(made):
            with contextlib.suppress(OSError):
                parent.rmdir()
        raise


def _make_directories(directory: Path) -> list[Path]:
    """Like mkdir -p; says which ones are new, the outermost first."""
    above = (directory, *directory.parents)
    missing = list(takewhile(lambda path: not path.exists(), above))
    directory.mkdir(parents=True, exist_ok=True)
    return missing[::-1]


def _beside(place: Path) -> Path:
    return place.with_name(f".{place.name}.{os.getpid()}.tmp")


def _stage(place: Path, text: str) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    with os.fdopen(os.open(_beside(place), flags, _MODE), "wb") as file:
        os.fchmod(file.fileno(), _MODE)  # whatever the umask
        file.writelines(encoded(text))
        file.flush()
        os.fsync(file.fileno())


def _at_once(task: Callable[[Path], None], paths: Iterable[Path]) -> None:
    """For all paths; several at a time, because each waits for the disk."""
    from concurrent.futures import ThreadPoolExecutor

    every = list(paths)
    # A thread for a share of them: with a task for each, threads wait for one another instead.
    shares = [every[first::_WRITERS] for first in range(_WRITERS)]

    def work(share: list[Path]) -> None:
        for path in share:
            task(path)

    with ThreadPoolExecutor(_WRITERS) as pool:
        list(pool.map(work, shares))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _prune(directory: Path, paths: Iterable[str]) -> None:
    """Remove files, and the directories that are empty then."""
    for path in paths:
        place = directory / path
        place.unlink(missing_ok=True)
        for parent in place.parents:
            if parent == directory:
                break
            try:
                parent.rmdir()
            except OSError:
                break  # something else lives there


@contextlib.contextmanager
def _plainly(directory: Path) -> Iterator[None]:
    """Turn the system's refusals into one plain problem."""
    try:
        yield
    except OSError as error:
        # A temporary file's name tells a user nothing: its directory is what refuses.
        place = Path(error.filename or directory)
        place = place.parent if place.suffix == ".tmp" else place
        raise RenderError(unwritable(place, error)) from error
