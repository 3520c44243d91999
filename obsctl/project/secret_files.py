"""How files under secrets/ come and go: by descriptor, whole or not at all, never through a link.

Beside `NAME` there may be `.NAME.next`, a value that is to take its place, `.NAME.previous`, the
one that it took the place of, and `.NAME.retired`, one that nobody needs but somebody may have:
together they are the journal of a rotation. A crash at any moment leaves one of the states that
`pending`, `unproven` and `retired` tell.
"""

import errno
import os
import shlex
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from obsctl.conventions import SECRETS_DIRECTORY
from obsctl.errors import Problem, ProjectFileError, RenderError, unwritable
from obsctl.project.once import write_once

# 0444 in a 0700 directory: a container's own user can read a mounted file, no other user of the
# host can reach it. A 0400 file would be closed to the container as well.
FILE_MODE: Final = 0o444
DIRECTORY_MODE: Final = 0o700
_NEXT: Final = ".next"
_PREVIOUS: Final = ".previous"
_RETIRED: Final = ".retired"


@contextmanager
def opened(root: Path) -> Iterator[int]:
    """A descriptor of root/secrets, made if absent: later paths cannot be swapped under us.

    Raises ProjectFileError where the directory is not one of its own or is open to others, and
    RenderError where anything in the block cannot be written.
    """
    folder = root / SECRETS_DIRECTORY
    is_new = not os.path.lexists(folder)
    try:
        folder.mkdir(DIRECTORY_MODE, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise _refused(folder, error) from None
    try:
        if stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o077:
            raise ProjectFileError(open_to_others(folder))
        yield descriptor
    except OSError as error:
        if is_new:
            with suppress(OSError):
                folder.rmdir()
        raise _refused(folder, error) from None
    finally:
        os.close(descriptor)


def no_directory(path: Path) -> Problem:
    """Something else is in the directory's place."""
    return Problem(
        f"`{path}` must be a directory of its own, and no symbolic link",
        hint="move it away; obsctl makes the directory itself",
    )


def open_to_others(folder: Path) -> Problem:
    """The directory is not closed to other users."""
    return Problem(
        f"`{folder}` is open to other users of this machine",
        hint=f"run `chmod 700 {shlex.quote(str(folder))}`",
    )


def read(root: Path, name: str) -> bytes | None:
    """The value of a secret; None where it has no file. Raises as `opened` does."""
    with opened(root) as directory:
        return _read(directory, name)


def put(root: Path, name: str, value: bytes) -> bool:
    """Make `value` the secret's; False where it is that already, and nothing is touched."""
    with opened(root) as directory:
        if _read(directory, name) == value:
            return False
        write_once(directory, ".gitignore", b"*\n", 0o644)
        _replace(directory, name, value)
        return True


def stage(root: Path, name: str, value: bytes) -> None:
    """Keep `value` as the one that is to come; the present one stays in force."""
    with opened(root) as directory:
        _replace(directory, f".{name}{_NEXT}", value)


def staged(root: Path, name: str) -> bytes | None:
    """The value that is to come."""
    return read(root, f".{name}{_NEXT}")


def previous(root: Path, name: str) -> bytes | None:
    """The value that was in force before."""
    return read(root, f".{name}{_PREVIOUS}")


def pending(root: Path) -> tuple[str, ...]:
    """The secrets with a value that is to come."""
    return _marked(root, _NEXT)


def unproven(root: Path) -> tuple[str, ...]:
    """The secrets whose value before is kept until the present one is seen to work."""
    return tuple(name for name in _marked(root, _PREVIOUS) if name not in pending(root))


def retired(root: Path) -> tuple[str, ...]:
    """The secrets with a value from before that nobody needs and somebody may still have."""
    return _marked(root, _RETIRED)


def unfinished(root: Path) -> bool:
    """Whether a rotation was cut off, or waits for its component."""
    return bool(in_rotation(root))


def in_rotation(root: Path) -> tuple[str, ...]:
    """The secrets with two values."""
    return tuple(sorted({*pending(root), *unproven(root), *retired(root)}))


def promote(root: Path, name: str, *, keep: bool) -> None:
    """Put the value that is to come in force; `keep` the one before until it is dropped."""
    with opened(root) as directory:
        if keep:
            # There already after a crash between the two steps.
            with suppress(FileExistsError, FileNotFoundError):
                os.link(name, f".{name}{_PREVIOUS}", src_dir_fd=directory, dst_dir_fd=directory)
        _rename(directory, f".{name}{_NEXT}", name)


def restore(root: Path, name: str) -> None:
    """Put the value from before in force again; the present one is lost."""
    with opened(root) as directory:
        _rename(directory, f".{name}{_PREVIOUS}", name)


def retire(root: Path, name: str) -> None:
    """Note that nobody needs the value from before."""
    with opened(root) as directory:
        _rename(directory, f".{name}{_PREVIOUS}", f".{name}{_RETIRED}")


def drop(root: Path, name: str) -> None:
    """Forget the value from before, and one that is still to come."""
    _unlink(root, name, _PREVIOUS, _NEXT)


def drop_retired(root: Path, name: str) -> None:
    """Forget a value that nobody has any more."""
    _unlink(root, name, _RETIRED)


def _unlink(root: Path, name: str, *suffixes: str) -> None:
    with opened(root) as directory:
        for suffix in suffixes:
            with suppress(FileNotFoundError):
                os.unlink(f".{name}{suffix}", dir_fd=directory)
        os.fsync(directory)


def _marked(root: Path, suffix: str) -> tuple[str, ...]:
    try:
        names = [path.name for path in (root / SECRETS_DIRECTORY).iterdir()]
    except OSError:
        return ()
    marked = (name for name in names if name.startswith(".") and name.endswith(suffix))
    return tuple(sorted(name[1 : -len(suffix)] for name in marked))


def _read(directory: int, name: str) -> bytes | None:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        descriptor = os.open(name, flags, dir_fd=directory)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        words = f"the secret `{name.lstrip('.')}` must be a regular file, and no symbolic link"
        raise ProjectFileError(Problem(words)) from None
    with open(descriptor, "rb") as stream:  # noqa: PTH123 - a descriptor, not a path
        return stream.read()


def _replace(directory: int, name: str, value: bytes) -> None:
    temporary = f".{name.lstrip('.')}.{os.urandom(4).hex()}"
    write_once(directory, temporary, value, FILE_MODE)
    _rename(directory, temporary, name)


def _rename(directory: int, source: str, target: str) -> None:
    os.rename(source, target, src_dir_fd=directory, dst_dir_fd=directory)
    os.fsync(directory)


def _refused(path: Path, error: OSError) -> ProjectFileError | RenderError:
    if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EEXIST):
        return ProjectFileError(no_directory(path))
    return RenderError(unwritable(path, error))
