"""The files under secrets/: made once, never overwritten, never shown."""

import errno
import os
import secrets as random
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from obsctl.conventions import SECRETS_DIRECTORY
from obsctl.errors import Problem, ProjectFileError, RenderError
from obsctl.project.once import write_once

if TYPE_CHECKING:
    # What only checks or makes files does without the schema, which takes long to import.
    from obsctl.project.schema import Project, Section

# 0444 in a 0700 directory: a container's own user can read a mounted file, no other user of the
# host can reach it. A 0400 file would be closed to the container as well.
_FILE_MODE: Final = 0o444
_DIRECTORY_MODE: Final = 0o700
_IGNORE_FILE: Final = ".gitignore"
_IGNORE_MODE: Final = 0o644
_CONTENT_MAX_BYTES: Final = 64 * 1024
BUGSINK_TOKEN: Final = "bugsink_api_token"  # noqa: S105 - the name of a secret
_BUGSINK_KEY: Final = "bugsink_secret_key"
_OF_BUGSINK: Final = ("bugsink_admin_password", BUGSINK_TOKEN, _BUGSINK_KEY)
_WEAK: Final = frozenset((b"changeme", b"admin", b"password", b"secret", b"elastic"))


def generated_names(project: "Project") -> tuple[str, ...]:
    """Secrets that obsctl makes up: the stack's own, and the exporters' passwords.

    Those of receivers are given by others: a webhook's URL cannot be made up.
    """
    names = set(_of_the_stack(frozenset(project.stack.without)))
    if project.errors and project.errors.bugsink:
        names.update(_OF_BUGSINK)
    for service in project.services.values():
        names.update(_references(service))
    return tuple(sorted(names - set(given_names(project))))


def _of_the_stack(without: frozenset[str]) -> Iterator[str]:
    has_grafana, has_logs = "grafana" not in without, "elk" not in without
    if has_grafana:
        yield from ("grafana_admin_password", "grafana_secret_key")
    if has_logs:
        yield from ("elastic_password", "es_exporter_password", "logstash_writer_password")
    if has_logs and has_grafana:
        yield "grafana_reader_password"
    if has_logs and "kibana" not in without:
        yield from ("kibana_encryption_key", "kibana_system_password")


def given_names(project: "Project") -> tuple[str, ...]:
    """Secrets that the user brings: those of receivers, and the DSN of a Sentry."""
    sections = (project.notifications, *((project.errors,) if project.errors else ()))
    return tuple(sorted({name for section in sections for name in _references(section)}))


def generate(root: Path, names: Iterable[str]) -> tuple[str, ...]:
    """Make the missing ones of `names` under root/secrets; returns those made.

    Existing files stay as they are, whatever they hold. Where one cannot be made, none is:
    RenderError; ProjectFileError for a directory that cannot hold secrets.
    """
    made: list[str] = []
    with _directory(root) as directory:
        try:
            for name in (_IGNORE_FILE, *sorted(set(names))):
                content = b"*\n" if name == _IGNORE_FILE else _made_up(name)
                mode = _IGNORE_MODE if name == _IGNORE_FILE else _FILE_MODE
                if write_once(directory, name, content, mode):
                    made.append(name)
        except OSError:
            for name in made:
                os.unlink(name, dir_fd=directory)
            raise
    return tuple(name for name in made if name != _IGNORE_FILE)


def _made_up(name: str) -> bytes:
    if name == BUGSINK_TOKEN:
        return random.token_hex(20).encode()  # it takes tokens of this form only
    # Bugsink does not start with a key of fewer than 50 characters.
    return random.token_urlsafe(48 if name == _BUGSINK_KEY else 32).encode()


def missing(root: Path, names: Iterable[str]) -> tuple[str, ...]:
    """Those of `names` that have no file yet."""
    folder = root / SECRETS_DIRECTORY
    return tuple(name for name in sorted(set(names)) if not os.path.lexists(folder / name))


def check(root: Path, names: Iterable[str], given: Iterable[str] = ()) -> tuple[Problem, ...]:
    """What is wrong with the directory and the files of `names`; never tells a value.

    `given` are those that the user brings; they decide what a hint advises.
    """
    folder = root / SECRETS_DIRECTORY
    wanted = sorted(set(names))
    if not wanted:
        return ()
    if (found := _check_directory(folder)) is not None:
        return (found,)
    own = frozenset(given)
    problems = (_check_file(folder / name, _remedy(name, own)) for name in wanted)
    return tuple(problem for problem in problems if problem is not None)


def how_to_give(name: str) -> str:
    """The command that stores a secret without showing it, or leaving it in the history."""
    path = f"{SECRETS_DIRECTORY}/{name}"
    return f'read -rs V && printf %s "$V" | install -m 444 /dev/stdin {path}'


def _references(section: "Section") -> Iterator[str]:
    """Names of all secrets that a section refers to."""
    for _, value in section:
        yield from _references_in(value)


def _references_in(value: object) -> Iterator[str]:
    from obsctl.project.schema import SecretReference, Section

    if isinstance(value, SecretReference):
        yield value.secret
    elif isinstance(value, Section):
        yield from _references(value)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _references_in(item)


@contextmanager
def _directory(root: Path) -> Iterator[int]:
    """A descriptor of root/secrets, made if absent: later paths cannot be swapped under us."""
    folder = root / SECRETS_DIRECTORY
    is_new = not os.path.lexists(folder)
    try:
        folder.mkdir(_DIRECTORY_MODE, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise _refused(folder, error) from None
    try:
        if stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o077:
            raise ProjectFileError(_open_to_others(folder))
        yield descriptor
    except OSError as error:
        if is_new:
            with suppress(OSError):
                folder.rmdir()
        raise _refused(folder, error) from None
    finally:
        os.close(descriptor)


def _refused(path: Path, error: OSError) -> ProjectFileError | RenderError:
    if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EEXIST):
        return ProjectFileError(_no_directory(path))
    words = (error.strerror or str(error)).lower()
    return RenderError(Problem(f"`{path}` cannot be written: {words}"))


def _no_directory(path: Path) -> Problem:
    return Problem(
        f"`{path}` must be a directory of its own, and no symbolic link",
        hint="move it away; obsctl makes the directory itself",
    )


def _open_to_others(folder: Path) -> Problem:
    return Problem(
        f"`{folder}` is open to other users of this machine", hint=f"run `chmod 700 {folder}`"
    )


def _check_directory(folder: Path) -> Problem | None:
    try:
        mode = folder.lstat().st_mode
    except OSError:
        return Problem(f"`{folder}` is missing", hint="`obsctl init --secrets-only` makes it")
    if stat.S_ISLNK(mode) or not stat.S_ISDIR(mode):
        return _no_directory(folder)
    return _open_to_others(folder) if stat.S_IMODE(mode) & 0o077 else None


def _remedy(name: str, given: frozenset[str]) -> str:
    return f"run `{how_to_give(name)}`" if name in given else "run `obsctl init --secrets-only`"


def _check_file(path: Path, remedy: str) -> Problem | None:
    try:
        state = path.lstat()
    except OSError:
        return Problem(f"the secret `{path}` is missing", hint=remedy)
    if not stat.S_ISREG(state.st_mode):
        return Problem(f"the secret `{path}` must be a regular file, and no symbolic link")
    if not state.st_mode & stat.S_IROTH:
        reason = "containers run as other users and could not read it"
        return Problem(
            f"the secret `{path}` is closed to its container: {reason}",
            hint=f"run `chmod 444 {path}`; the directory keeps other users of the host out",
        )
    return _check_content(path, state.st_size, remedy)


def _check_content(path: Path, size: int, remedy: str) -> Problem | None:
    if size > _CONTENT_MAX_BYTES:
        return Problem(f"the secret `{path}` is larger than {_CONTENT_MAX_BYTES // 1024} KiB")
    try:
        content = path.read_bytes()
    except OSError as error:
        return Problem(f"the secret `{path}` cannot be read: {(error.strerror or '').lower()}")
    if not content.strip():
        return Problem(f"the secret `{path}` is empty", hint=f"remove it, then {remedy}")
    if content.endswith(b"\n"):
        return Problem(
            f"the secret `{path}` ends with a line break, which would be part of the value",
            hint=f"run `chmod u+w {path} && truncate -s -1 {path} && chmod 444 {path}`",
        )
    if content.lower() in _WEAK:
        return Problem(f"the secret `{path}` is a password that everybody knows")
    return None
