"""TLS of the stand-ins: a server that takes renewed files, and clients that trust given CAs."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterable
from pathlib import Path

from standin import log

WATCH_S = 5.0  # resource.reload.interval.high of Elasticsearch


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return what a server presents, read again when the files change; raise OSError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    files = (certificate, key)
    threading.Thread(target=_watch, args=(context, files), daemon=True).start()
    return context


def _watch(context: ssl.SSLContext, files: tuple[Path, Path]) -> None:
    seen = _state(files)
    while True:
        time.sleep(WATCH_S)
        state = _state(files)
        if state == seen:
            continue
        try:
            context.load_cert_chain(*files)
        except (OSError, ssl.SSLError) as error:
            log(f"failed to reload ssl context: {error}")
        else:
            log("updated ssl context")
            seen = state


def _state(files: Iterable[Path]) -> list[tuple[int, int]]:
    stats = [path.stat() for path in files]
    return [(found.st_mtime_ns, found.st_size) for found in stats]


def trusting(authorities: Iterable[str] = (), pem: str = "") -> ssl.SSLContext | None:
    """Return a client's trust in files and PEM text; None, the system's, where none is given."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    files = list(authorities)
    for file in files:
        context.load_verify_locations(cafile=file)
    if pem:
        context.load_verify_locations(cadata=pem)
    return context if files or pem else None
