"""Kibana's saved objects, kept in Elasticsearch as Kibana does, and the data views among them."""

from __future__ import annotations

import json
import re
import ssl
import uuid
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from standin import HttpError
from standin_http import UnreachableError, call, decoded

Json = Any

INDEX = ".kibana_standin"
VIEW = "index-pattern"
Saved = dict[str, Any]
ERRORS = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
          409: "Conflict", 502: "Bad Gateway", 503: "Service Unavailable"}  # fmt: skip


def kibana_error(status: int, message: str) -> HttpError:
    """Return an error in Kibana's shape."""
    return HttpError(status, {"statusCode": status, "error": ERRORS[status], "message": message})


class Elasticsearch:
    """The cluster, as the configured user sees it."""

    def __init__(
        self, url: str, auth: tuple[str, str] | None, trust: ssl.SSLContext | None = None
    ) -> None:
        self.url = url.rstrip("/")
        self.auth = auth
        self.trust = trust

    def ask(
        self,
        method: str,
        path: str,
        body: Json = None,
        auth: tuple[str, str] | None = None,
    ) -> tuple[int, Any]:
        """Return (status, JSON) of one request; raise UnreachableError."""
        data = None if body is None else json.dumps(body)
        headers = {"Content-Type": "application/json"}
        given = auth or self.auth
        status, answer = call(
            method, self.url + path, data, headers=headers, auth=given, timeout=3, trust=self.trust
        )
        return status, decoded(answer)

    def state(self) -> str:
        """Return "" when the user's password is accepted, else the reason why not."""
        try:
            status, _ = self.ask("GET", "/_security/_authenticate")
        except UnreachableError as error:
            return f"Unable to retrieve version information from Elasticsearch nodes. {error}"
        return "" if status == 200 else f"security_exception: {status}"


class SavedObjects:
    """Saved objects by (type, id)."""

    def __init__(self, cluster: Elasticsearch) -> None:
        self.cluster = cluster

    def _ask(self, method: str, path: str, body: Json = None) -> tuple[int, Any]:
        try:
            return self.cluster.ask(method, f"/{INDEX}{path}", body)
        except UnreachableError as error:
            raise kibana_error(503, str(error)) from error

    def all(self) -> list[Saved]:
        """Return every object."""
        status, answer = self._ask("POST", "/_search", {"size": 10_000})
        if status == 404:
            return []
        if status != 200:
            raise kibana_error(503, f"Elasticsearch answered {status}")
        return [hit["_source"] for hit in answer["hits"]["hits"]]

    def find(self, types: Iterable[str]) -> list[Saved]:
        """Return the objects of some types."""
        wanted = set(types)
        return [saved for saved in self.all() if saved["type"] in wanted]

    def get(self, kind: str, identifier: str) -> Saved:
        """Return one object; raise HttpError 404."""
        for saved in self.all():
            if (saved["type"], saved["id"]) == (kind, identifier):
                return saved
        raise kibana_error(404, f"Saved object [{kind}/{identifier}] not found")

    def put(self, saved: Saved) -> Saved:
        """Store one object."""
        full = {"references": [], "namespaces": ["default"], "version": "WzEsMV0=", **saved}
        key = quote(f"{saved['type']}:{saved['id']}", safe="")
        status, answer = self._ask("PUT", f"/_doc/{key}", full)
        if status not in {200, 201}:
            raise kibana_error(503, f"Elasticsearch answered {status}: {answer}")
        return full

    def delete(self, kind: str, identifier: str) -> None:
        """Delete one object."""
        self._ask("DELETE", f"/_doc/{quote(f'{kind}:{identifier}', safe='')}")

    def import_lines(self, text: str, *, overwrite: bool) -> dict[str, Any]:
        """Import NDJSON; conflicts and missing references are reported, not raised."""
        entries = [json.loads(line) for line in text.splitlines() if line.strip()]
        entries = [entry for entry in entries if "type" in entry]
        stored = {(saved["type"], saved["id"]) for saved in self.all()}
        known = stored | {(entry["type"], entry["id"]) for entry in entries}
        errors, done = [], []
        for entry in entries:
            missing = [
                r for r in entry.get("references") or [] if (r["type"], r["id"]) not in known
            ]
            about = {"type": entry["type"], "id": entry["id"]}
            meta = {"meta": {"title": entry.get("attributes", {}).get("title", "")}}
            if missing:
                error = {"type": "missing_references", "references": missing}
                errors.append({**about, **meta, "error": error})
            elif (entry["type"], entry["id"]) in stored and not overwrite:
                errors.append({**about, **meta, "error": {"type": "conflict"}})
            else:
                self.put(entry)
                done.append({**about, **meta, **({"overwrite": True} if overwrite else {})})
        result: dict[str, Any] = {"successCount": len(done), "success": not errors, "warnings": []}
        result |= {"successResults": done} if done else {}
        return result | ({"errors": errors} if errors else {})


def multipart_file(content_type: str, body: bytes) -> str:
    """Return the text of the `file` part of a multipart body; raise HttpError 400."""
    boundary = re.search(r'boundary="?([^";]+)"?', content_type)
    if "multipart/form-data" not in content_type or not boundary:
        raise kibana_error(400, "Unsupported Media Type: multipart/form-data is needed")
    for part in body.split(b"--" + boundary[1].encode()):
        head, _, data = part.partition(b"\r\n\r\n")
        if re.search(rb'name="?file"?[;\r\n]', head + b"\r\n"):
            if not re.search(rb'filename="?[^"\r\n]*\.ndjson', head):
                raise kibana_error(400, "Invalid file extension")
            return data.removesuffix(b"\r\n").decode()
    raise kibana_error(400, "[request body.file]: expected value of type [Stream]")


def view_of(saved: Saved) -> dict[str, Any]:
    """Return a saved object as a data view."""
    attributes = saved["attributes"]
    return {
        "id": saved["id"],
        "version": saved["version"],
        "title": attributes["title"],
        **({"name": attributes["name"]} if "name" in attributes else {}),
        **({"timeFieldName": attributes["timeFieldName"]} if "timeFieldName" in attributes else {}),
        "sourceFilters": [],
        "fields": {},
        "typeMeta": {},
        "fieldFormats": {},
        "runtimeFieldMap": {},
        "fieldAttrs": {},
        "allowNoIndex": bool(attributes.get("allowNoIndex")),
        "namespaces": saved["namespaces"],
    }


def saved_view(spec: dict[str, Any]) -> Saved:
    """Return a data view's specification as a saved object; raise HttpError 400."""
    known = {"id", "title", "name", "timeFieldName", "version", "sourceFilters", "fields",
             "typeMeta", "fieldFormats", "runtimeFieldMap", "fieldAttrs", "allowNoIndex",
             "namespaces", "type", "allowHidden", "managed"}  # fmt: skip
    if not isinstance(spec.get("title"), str):
        raise kibana_error(400, "[request body.data_view.title]: expected value of type [string]")
    if unknown := sorted(set(spec) - known):
        message = f"[request body.data_view.{unknown[0]}]: definition for this key is missing"
        raise kibana_error(400, message)
    attributes = {k: v for k, v in spec.items() if k not in {"id", "version", "namespaces"}}
    return {"type": VIEW, "id": spec.get("id") or str(uuid.uuid4()), "attributes": attributes}
