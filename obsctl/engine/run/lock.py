"""One `up` at a time per project directory: a lock that the kernel frees with its process."""

import fcntl
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from obsctl.engine.run.files import not_writable
from obsctl.errors import EngineError, Problem


@dataclass(frozen=True, slots=True)
class Waiting:
    """How long for another holder, who is told of it, and what may end it early by raising."""

    seconds: float
    tell: Callable[[str], None]
    check: Callable[[], None]


@contextmanager
def project_lock(directory: Path, waiting: Waiting) -> Iterator[None]:
    """Hold `directory`/lock for the block; EngineError when it stays taken."""
    path = directory / "lock"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        path.touch(0o600)  # whoever can read it could hold the lock
        handle = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise not_writable(path, error) from None
    with handle:
        _acquire(handle, waiting)
        _sign(handle)
        try:
            yield
        finally:
            handle.truncate(0)


def _acquire(handle: TextIO, waiting: Waiting) -> None:
    deadline = time.monotonic() + waiting.seconds
    told = False
    while not _try(handle):
        holder = _holder(handle)
        if time.monotonic() >= deadline:
            raise EngineError(
                Problem(
                    f"another obsctl works on this project: {holder}",
                    hint="wait for it to end; the lock goes with its process",
                )
            )
        if not told:
            waiting.tell(f"waiting for another obsctl on this project: {holder}")
            told = True
        waiting.check()
        time.sleep(0.1)


def _try(handle: TextIO) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sign(handle: TextIO) -> None:
    since = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    text = json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": since})
    handle.truncate(0)
    # Past the buffer, which would fail again at its end; the lock holds without these words.
    with suppress(OSError):
        os.write(handle.fileno(), text.encode())


def _holder(handle: TextIO) -> str:
    """Who holds it, in words; its holder may be about to write that down."""
    with suppress(ValueError, KeyError, TypeError):
        handle.seek(0)
        data = json.loads(handle.read())
        return f"process {data['pid']} on {data['host']}, since {data['since']}"
    return "a process that has just begun"
