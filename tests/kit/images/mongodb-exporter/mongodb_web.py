"""Web access of the mongodb_exporter stand-in: who may ask, by the file of `--web.config`.

The file is read at each request, as the real one does; TLS is no part of this stand-in.
"""

from __future__ import annotations

import ctypes
from pathlib import Path

import yaml
from standin import HttpError, Request


class WebError(Exception):
    """A file that the exporter does not start with."""


class WebAccess:
    """Lets in whoever has a password of the file."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self._crypt = ctypes.CDLL("libcrypt.so.1").crypt
        self._crypt.restype = ctypes.c_char_p
        self.users()

    def users(self) -> dict[str, str]:
        """Return the hashes by user; raise WebError."""
        try:
            document = yaml.safe_load(self.path.read_text("utf-8")) or {}
        except OSError as error:
            raise WebError(f"open {self.path}: {error.strerror}") from error
        if "tls_server_config" in document:
            raise WebError("TLS is no part of this stand-in")
        return dict(document.get("basic_auth_users") or {})

    def check(self, request: Request) -> None:
        """Raise the 401 for whoever may not ask."""
        given, users = request.basic(), self.users()
        if users and not (given and given[0] in users and self._fits(given[1], users[given[0]])):
            raise HttpError(401, "Unauthorized\n", {"WWW-Authenticate": "Basic"})

    def _fits(self, password: str, hashed: str) -> bool:
        return bool(self._crypt(password.encode(), hashed.encode()) == hashed.encode())
