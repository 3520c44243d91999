"""Whether what containers mount from the project is there, and seen by the Engine."""

import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from obsctl.conventions import SECRETS_DIRECTORY, STATE_DIRECTORY
from obsctl.engine.client import Engine
from obsctl.engine.connection.failures import EngineRefusal
from obsctl.engine.connection.host import is_this_machine
from obsctl.engine.desired.model import Desired, DesiredService
from obsctl.engine.run.files import not_writable
from obsctl.errors import Problem

_NOT_FOUND: Final = 404


def unseen_files(
    engine: Engine, desired: Desired, services: Iterable[DesiredService]
) -> Iterator[Problem]:
    """A problem where `services` mount files that the Engine has not, as it runs elsewhere."""
    root = desired.file.parent.parent
    if any(service.sources for service in services) and not _is_seen(engine, root):
        yield Problem(
            f"the Engine at `{engine.address.host}` does not see the files of `{root}`, which the "
            "containers mount: it runs on another machine, or has another file system",
            hint="run obsctl on the Engine's machine; from here, `status`, `logs` and `down` work",
        )


def missing_sources(desired: Desired, services: Iterable[DesiredService]) -> Iterator[Problem]:
    """Mounted directories that are not there and not about to be written; secrets."""
    made = list(services)
    yield from missing_directories(desired, made)
    for service in made:
        for source in service.sources:
            if source.secret:
                yield from _secret_problem(source.path, source.secret)


def missing_directories(desired: Desired, services: Iterable[DesiredService]) -> Iterator[Problem]:
    """The same but for secrets, which `up` completes before."""
    for service in services:
        for source in service.sources:
            if source.secret:
                continue
            if not source.path.exists() and source.path not in desired.coming:
                yield Problem(
                    f"service `{service.name}` mounts `{source.path}`, which does not exist",
                    hint="`obsctl render` writes the stack's files",
                )


def _is_seen(engine: Engine, root: Path) -> bool:
    """Tried with a file of a new name; not needed where the socket's Engine tells of this machine.

    Neither an address nor a name tells: sockets and ports are forwarded, and paths exist twice.
    """
    if engine.address.socket and is_this_machine(engine.info()):
        return True
    marker = root / STATE_DIRECTORY / f"seen-{secrets.token_hex(8)}"
    try:
        marker.touch(mode=0o600)
        return _finds(engine, marker)
    except OSError as error:
        raise not_writable(marker.parent, error) from None
    finally:
        with suppress(OSError):
            marker.unlink()


def _finds(engine: Engine, marker: Path) -> bool:
    """Asked for a container of an image that cannot be, an Engine looks at mounts first.

    So nothing is made, whatever it answers.
    """
    mount = {"Type": "bind", "Source": str(marker), "Target": "/probe", "ReadOnly": True}
    body = {"Image": f"obsctl.invalid/none:{marker.name}", "HostConfig": {"Mounts": [mount]}}
    try:
        engine.create_container(f"obsctl-{marker.name}", body)
    except EngineRefusal as refusal:
        if "does not exist" in refusal.reason:
            return False
        if refusal.status != _NOT_FOUND:
            raise
    return True


def _secret_problem(path: Path, name: str) -> Iterator[Problem]:
    hint = f"write it to `{SECRETS_DIRECTORY}/{name}`, without a line break at its end"
    try:
        empty = path.stat().st_size == 0
    except OSError:
        yield Problem(f"the secret `{name}` is missing: there is no `{path}`", hint=hint)
        return
    if path.is_dir():
        yield Problem(f"the secret `{name}` is a directory: `{path}`", hint=hint)
    elif empty:
        yield Problem(f"the secret `{name}` is empty: `{path}`", hint=hint)
