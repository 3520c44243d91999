"""Connectors, whose secrets Kibana encrypts, and the rotation of the key that it does that with.

The cipher is not Kibana's, but has what matters of it: without the key nothing is read.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kibana_objects import SavedObjects, kibana_error
from kibana_settings import FORMER, PRIMARY
from standin import HttpError, Request, Response

Json = Any

_KIND = "action"
_TAG_BYTES = _SALT_BYTES = 32
_SUPERUSER = "superuser"


def encrypt(key: str, text: str) -> str:
    """Encrypt and sign with a salt of its own."""
    salt, plain = os.urandom(_SALT_BYTES), text.encode()
    cipher = bytes(a ^ b for a, b in zip(plain, _stream(key, salt), strict=False))
    return base64.b64encode(salt + _tag(key, salt + cipher) + cipher).decode()


def decrypt(keys: Sequence[str], text: str) -> str | None:
    """Decrypt with whichever key fits; None where none does."""
    raw = base64.b64decode(text)
    salt, rest = raw[:_SALT_BYTES], raw[_SALT_BYTES:]
    tag, cipher = rest[:_TAG_BYTES], rest[_TAG_BYTES:]
    for key in keys:
        if hmac.compare_digest(tag, _tag(key, salt + cipher)):
            return bytes(a ^ b for a, b in zip(cipher, _stream(key, salt), strict=False)).decode()
    return None


def _tag(key: str, data: bytes) -> bytes:
    return hmac.digest(key.encode(), data, "sha256")


def _stream(key: str, salt: bytes) -> Iterator[int]:
    block = 0
    while True:
        yield from hashlib.sha256(f"{key}{block}".encode() + salt).digest()
        block += 1


class Connectors:
    """Routes of the connectors and of the key's rotation."""

    def __init__(self, objects: SavedObjects, settings: Mapping[str, Any]) -> None:
        self.objects = objects
        self.key = str(settings.get(PRIMARY) or "")
        self.former = [str(one) for one in settings.get(FORMER) or ()]

    def create(self, request: Request) -> Response:
        """Create a connector; its secrets are encrypted, also where there are none."""
        body = request.json()
        if not self.key:
            message = "Unable to create action due to missing encryption key"
            raise HttpError(500, {"statusCode": 500, "message": message})
        for name in ("name", "connector_type_id"):
            if not isinstance(body.get(name), str):
                raise kibana_error(400, f"[request body.{name}]: expected value of type [string]")
        attributes = {
            "actionTypeId": body["connector_type_id"],
            "config": body.get("config") or {},
            "name": body["name"],
            "secrets": encrypt(self.key, json.dumps(body.get("secrets") or {})),
        }
        saved = {"type": _KIND, "id": str(uuid.uuid4()), "attributes": attributes}
        return Response(200, _view(self.objects.put(saved)))

    def execute(self, request: Request) -> Response:
        """Use a connector, which needs its secrets."""
        saved = self.objects.get(_KIND, request.params["id"])
        if decrypt([self.key, *self.former], saved["attributes"]["secrets"]) is None:
            message = "An internal server error occurred. Check Kibana server logs for details."
            error = {"statusCode": 500, "error": "Internal Server Error", "message": message}
            raise HttpError(500, error)
        return Response(200, {"status": "ok", "data": {}, "connector_id": saved["id"]})

    def rotate_key(self, roles: Sequence[str]) -> Response:
        """Encrypt anew, with the key in force, what a former one reads."""
        if _SUPERUSER not in roles:
            raise kibana_error(403, "Forbidden")
        if not self.former:
            message = (
                "Kibana is not configured to support encryption key rotation. Update `kibana.yml`"
                f" to include `{FORMER}` to rotate your encryption keys."
            )
            raise kibana_error(400, message)
        found, done = self.objects.find([_KIND]), 0
        for saved in found:
            text = decrypt(self.former, saved["attributes"]["secrets"])
            if text is not None:
                saved["attributes"]["secrets"] = encrypt(self.key, text)
                self.objects.put(saved)
                done += 1
        return Response(200, {"total": len(found), "successful": done, "failed": 0})


def _view(saved: dict[str, Any]) -> Json:
    attributes = saved["attributes"]
    return {
        "id": saved["id"],
        "name": attributes["name"],
        "connector_type_id": attributes["actionTypeId"],
        "config": attributes["config"],
        "is_preconfigured": False,
        "is_deprecated": False,
        "is_missing_secrets": False,
        "is_system_action": False,
    }
