"""Files under secrets/ that follow from others: hashes of passwords, certificates."""

import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from obsctl.conventions import (
    AUTHORITY,
    AUTHORITY_KEY,
    CERTIFICATE,
    CERTIFICATE_KEY,
    KIBANA_KEY,
    KIBANA_KEYS,
    SECRETS_DIRECTORY,
    WEB_CONFIG,
    WEB_HASH,
)
from obsctl.errors import Problem, ProjectFileError, RenderError, unwritable
from obsctl.project import secret_files

if TYPE_CHECKING:
    from obsctl.project.schema import Project

# The longest that bcrypt looks at: what is beyond would be ignored.
_PASSWORD_MAX_BYTES: Final = 72
_MODE: Final = 0o444
_PRIVATE_MODE: Final = 0o400
# A component checks a hash at each new connection; the password has 256 bits of its own.
_ROUNDS: Final = 10


@dataclass(frozen=True, slots=True)
class Derived:
    """What is derived, for which services."""

    user: str = ""
    secret: str = ""  # name of the secret with the user's password
    guarded: tuple[str, ...] = ()  # have a web configuration
    encrypted: tuple[str, ...] = ()  # have a certificate
    hosts: tuple[str, ...] = ()  # under which each is reached, beside its own name
    hashed: tuple[str, ...] = ()  # have the password's hash alone
    former: tuple[str, ...] = ()  # the files with keys that were in force before

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> "Derived":
        """The inverse of asdict, after JSON."""
        texts = {name: str(data[name]) for name in ("user", "secret")}
        kinds = ("guarded", "hashed", "encrypted", "hosts", "former")
        # What an older obsctl has written down knows fewer kinds.
        lists = {name: tuple(map(str, data.get(name, ()))) for name in kinds}
        return cls(**texts, **lists)  # type: ignore[arg-type] # the names are the fields'


def is_derived(name: str) -> bool:
    """Whether a file under secrets/ is made of others; names of secrets have no dot."""
    return "." in name


def is_looked_at_again(name: str) -> bool:
    """Whether those who have it see a new content, as most do: it is written in place."""
    return is_derived(name) and name != KIBANA_KEYS and not name.endswith(WEB_HASH.format(""))


def hosts_of(project: "Project") -> tuple[str, ...]:
    """Names and addresses under which the published ports are reached."""
    bind = project.stack.bind
    everywhere = {"0.0.0.0", "::", "127.0.0.1", "::1"}  # noqa: S104 - compared, not bound
    return ("localhost", "127.0.0.1", "::1", *(() if bind in everywhere else (bind,)))


def derive(root: Path, wanted: Derived, now: datetime | None = None) -> tuple[str, ...]:
    """Bring the derived files of a project up to date; returns the names of those written.

    A file is written in place: containers mount it alone, and see the new content at once.
    Raises ProjectFileError for a password that cannot be hashed, RenderError where a file cannot
    be written.
    """
    if not (wanted.guarded or wanted.hashed or wanted.encrypted or wanted.former):
        return ()
    folder = root / SECRETS_DIRECTORY
    changed: dict[str, bytes] = {}
    if wanted.encrypted:
        from obsctl.project.certificates import renewed

        files = dict(_read(folder, wanted.encrypted))
        servers = {name: (name, *wanted.hosts) for name in wanted.encrypted}
        changed |= renewed(files, servers, now or datetime.now(UTC))
    changed |= _web_configurations(folder, wanted)
    if wanted.former and _content(folder / KIBANA_KEYS) != (keys := _former_keys(root)):
        changed[KIBANA_KEYS] = keys
    for name, content in changed.items():
        _write(folder / name, content)
    return tuple(sorted(changed))


def _read(folder: Path, servers: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    names = [AUTHORITY, AUTHORITY_KEY]
    names += [form.format(name) for name in servers for form in (CERTIFICATE, CERTIFICATE_KEY)]
    for name in names:
        if (content := _content(folder / name)) is not None:
            yield name, content


def _content(path: Path) -> bytes | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RenderError(unwritable(path, error)) from None
    with open(descriptor, "rb") as stream:  # noqa: PTH123 - a descriptor, not a path
        return stream.read()


def _web_configurations(folder: Path, wanted: Derived) -> dict[str, bytes]:
    """Those that do not let the user in with the present password; one hash for all."""
    from obsctl.project.passwords import hashed, is_hash_of

    names = {WEB_CONFIG.format(service): service for service in wanted.guarded}
    alone = [WEB_HASH.format(service) for service in wanted.hashed]
    if not (names or alone):
        return {}
    password = _password(folder / wanted.secret)
    present = {name: _content(folder / name) or b"" for name in (*names, *alone)}
    known = {_hash_in(present[name], wanted.user) for name in names} - {""}
    known |= {present[name].decode("utf-8", "replace") for name in alone}
    good = next((one for one in sorted(known) if is_hash_of(one, password)), "")
    value = good or hashed(password, _ROUNDS)
    texts = {name: _web_configuration(service, wanted, value) for name, service in names.items()}
    texts |= dict.fromkeys(alone, value.encode())
    return {name: text for name, text in texts.items() if present[name] != text}


def _former_keys(root: Path) -> bytes:
    """What Kibana may still have to decrypt with; it refuses the key in force among them."""
    former = secret_files.previous(root, KIBANA_KEY)
    keys = [] if former in (None, secret_files.read(root, KIBANA_KEY)) else [former.decode()]
    text = json.dumps(keys, ensure_ascii=False)
    return f"xpack.encryptedSavedObjects.keyRotation.decryptionOnlyKeys: {text}\n".encode()


def _password(path: Path) -> bytes:
    content = _content(path)
    if content is None:
        raise ProjectFileError(Problem(f"the secret `{path}` is missing"))
    if len(content) > _PASSWORD_MAX_BYTES or b"\0" in content:
        raise ProjectFileError(
            Problem(
                f"the secret `{path}` cannot be the password of web access",
                hint=f"at most {_PASSWORD_MAX_BYTES} bytes, none of them zero",
            )
        )
    return content


def _hash_in(text: bytes, user: str) -> str:
    start = f"  {user}: "
    lines = text.decode("utf-8", "replace").splitlines()
    return next((line.removeprefix(start) for line in lines if line.startswith(start)), "")


def _web_configuration(service: str, wanted: Derived, value: str) -> bytes:
    lines = ["basic_auth_users:", f"  {wanted.user}: {value}"]
    if service in wanted.encrypted:
        lines += [
            "tls_server_config:",
            f"  cert_file: {CERTIFICATE.format(service)}",
            f"  key_file: {CERTIFICATE_KEY.format(service)}",
        ]
    return ("\n".join(lines) + "\n").encode()


def _write(path: Path, content: bytes) -> None:
    """Over the file's old content; one that is cut off is found out by the next run."""
    mode = _PRIVATE_MODE if path.name == AUTHORITY_KEY else _MODE
    try:
        with _writable(path) as descriptor:
            os.pwrite(descriptor, content, 0)
            os.ftruncate(descriptor, len(content))
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
    except OSError as error:
        raise RenderError(unwritable(path, error)) from None


@contextmanager
def _writable(path: Path) -> Iterator[int]:
    flags = os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | flags, 0o600)
    except FileExistsError:
        reading = os.open(path, os.O_RDONLY | flags)
        try:
            if not stat.S_ISREG(os.fstat(reading).st_mode):
                raise OSError("it is no regular file") from None
            # Its owner may write it only while it is written.
            os.fchmod(reading, 0o644)
        finally:
            os.close(reading)
        descriptor = os.open(path, os.O_RDWR | flags)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
