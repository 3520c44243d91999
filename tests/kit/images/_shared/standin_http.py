"""The stand-ins' HTTP client and their small stores: real calls, JSON files written atomically."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import ssl
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

Json = Any


class UnreachableError(Exception):
    """No HTTP answer: refused, unresolvable, timed out or cut off."""


def call(  # noqa: PLR0913 - a request has this many parts
    method: str,
    url: str,
    body: bytes | str | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    auth: tuple[str, str] | None = None,
    timeout: float = 5.0,
    trust: ssl.SSLContext | None = None,
) -> tuple[int, bytes]:
    """Return (status, body) of one request; raise UnreachableError when nothing answers."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    sent = dict(headers or {})
    if auth:
        sent["Authorization"] = "Basic " + base64.b64encode(":".join(auth).encode()).decode()
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host, port = parts.hostname or "", parts.port
    connection = (
        HTTPSConnection(host, port, timeout=timeout, context=trust)
        if parts.scheme == "https"
        else HTTPConnection(host, port, timeout=timeout)
    )
    try:
        connection.request(method, path, body, sent)
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, HTTPException) as error:
        raise UnreachableError(f"{type(error).__name__}: {error}") from error
    finally:
        connection.close()


def decoded(body: bytes) -> Json:
    """Return the JSON of a body, None when it is none."""
    try:
        return json.loads(body)
    except ValueError:
        return None


def load_json(path: Path, default: Json) -> Json:
    """Return what a JSON file holds, `default` when there is no file."""
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return default


def save_json(path: Path, value: Json) -> None:
    """Write a JSON file so that a reader sees the old or the new one, never a half."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(value), "utf-8")
    temporary.replace(path)


def hash_password(password: str, salt: str = "") -> str:
    """Return `salt$digest`, with a fresh salt unless one is given."""
    salt = salt or secrets.token_hex(8)
    return f"{salt}${hashlib.sha256(f'{salt}{password}'.encode()).hexdigest()}"


def password_matches(password: str, hashed: str) -> bool:
    """Tell whether a password is the one that was hashed."""
    return hmac.compare_digest(hash_password(password, hashed.partition("$")[0]), hashed)
