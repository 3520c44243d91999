"""Where the kit keeps what it fetched and built, and how two runs share it."""

import fcntl
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ENGINE_LOCK = Path("/run/lock/obsctl-kit-engine.lock")
"""Outside of the cache: two runs with different caches still share one network namespace."""


def cache_root() -> Path:
    """$OBSCTL_KIT_CACHE or ~/.cache/obsctl-kit, absolute and present."""
    chosen = os.environ.get("OBSCTL_KIT_CACHE")
    root = Path(chosen) if chosen else Path.home() / ".cache" / "obsctl-kit"
    root = root.absolute()
    root.mkdir(parents=True, exist_ok=True)
    return root


def content_key(*parts: object) -> str:
    """Sixteen hex digits that change when any part (bytes or JSON-able) does."""
    digest = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else json.dumps(part, sort_keys=True).encode()
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:16]


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold the cache's lock `name`; a second run waits and says so."""
    directory = cache_root() / "locks"
    directory.mkdir(exist_ok=True)
    with locked_file(directory / f"{name}.lock"):
        yield


@contextmanager
def locked_file(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on `path` until the block ends, or the process does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another kit run ({path.stem})")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def say(line: str) -> None:
    """One plain line for people, on stderr."""
    print(f"kit: {line}", file=sys.stderr, flush=True)


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Say what is being done, and the seconds that it took once it is done."""
    say(f"{what} ...")
    began = time.monotonic()
    yield
    say(f"{what}: {time.monotonic() - began:.1f} s")
