"""Grafana's file dashboards: providers, folders, classic JSON only, changes seen by polling."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grafana_provisioning import ProvisioningError, expand, load_files
from standin import log

V2_REFUSED = (
    "dashboard appears to be in v2 format. Please use the /apis/dashboard.grafana.app/v2 API"
)
DEFAULT_INTERVAL = 10


@dataclass(frozen=True)
class Provider:
    """One entry of a dashboards provider file."""

    name: str
    path: Path
    folder: str
    folder_uid: str
    from_structure: bool
    keep_deleted: bool
    interval: float

    @classmethod
    def read(cls, entry: dict[str, Any]) -> Provider:
        """Check one entry; raise ProvisioningError."""
        options = entry.get("options") or {}
        if entry.get("type", "file") != "file" or not options.get("path"):
            raise ProvisioningError("Failed to load dashboards. path param is not a string")
        structure = bool(options.get("foldersFromFilesStructure"))
        if structure and (entry.get("folder") or entry.get("folderUid")):
            raise ProvisioningError(
                "'folder' and 'folderUID' should be empty using 'foldersFromFilesStructure' option"
            )
        return cls(
            name=str(entry.get("name", "")),
            path=Path(options["path"]),
            folder=str(entry.get("folder") or ""),
            folder_uid=str(entry.get("folderUid") or ""),
            from_structure=structure,
            keep_deleted=bool(entry.get("disableDeletion")),
            interval=float(entry.get("updateIntervalSeconds") or DEFAULT_INTERVAL),
        )

    def folder_of(self, path: Path) -> str:
        """Return the title of the folder that a file belongs to, "" for the root."""
        if not self.from_structure:
            return self.folder
        relative = path.parent.relative_to(self.path)
        return "" if relative == Path() else relative.name


def load_providers(folder: Path) -> list[Provider]:
    """Read the provider files; raise ProvisioningError."""
    return [
        Provider.read(expand(entry, os.environ))
        for document in load_files(folder / "dashboards")
        for entry in document.get("providers") or []
    ]


def slugify(title: str) -> str:
    """Return a title as it stands in a dashboard's URL."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def stable_uid(text: str) -> str:
    """Return a uid that is always the same for a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:14]


def parse_dashboard(text: str, name: str) -> dict[str, Any]:
    """Return the body of a classic dashboard file; raise ProvisioningError as Grafana refuses."""
    try:
        body = json.loads(text)
    except ValueError as error:
        raise ProvisioningError(f"failed to load dashboard from {name}: {error}") from error
    if not isinstance(body, dict):
        raise ProvisioningError(f"failed to load dashboard from {name}: not an object")
    if "elements" in body or "layout" in body or "/v2" in str(body.get("apiVersion", "")):
        raise ProvisioningError(f"{name}: {V2_REFUSED}")
    if not body.get("title"):
        raise ProvisioningError(f"{name}: Dashboard title cannot be empty")
    return {**body, "uid": body.get("uid") or stable_uid(name)}


def meta_of(provider: Provider, path: Path, number: int, body: dict[str, Any]) -> dict[str, Any]:
    """Return what Grafana tells of a provisioned dashboard beside its body."""
    title = provider.folder_of(path)
    folder_uid = (provider.folder_uid or stable_uid(title)) if title else ""
    slug = slugify(body["title"])
    return {
        "type": "db",
        "canSave": True,
        "slug": slug,
        "url": f"/d/{body['uid']}/{slug}",
        "version": 1,
        "folderId": number if title else 0,
        "folderUid": folder_uid,
        "folderTitle": title or "General",
        "provisioned": True,
        "provisionedExternalId": str(path.relative_to(provider.path)),
    }


class Dashboards:
    """The dashboards by uid: {"meta": ..., "dashboard": ...}, read again when files change."""

    def __init__(self, provisioning: Path) -> None:
        self.provisioning = provisioning
        self.providers: list[Provider] = []
        self.by_uid: dict[str, dict[str, Any]] = {}
        self._reported: dict[str, float] = {}

    def reload(self) -> None:
        """Read the provider files and all dashboards again; raise ProvisioningError."""
        self.providers = load_providers(self.provisioning)
        self._reported = {}
        self.scan()

    def scan(self) -> None:
        """Read the files; what Grafana would refuse is logged once and left out."""
        found: dict[str, dict[str, Any]] = {}
        for provider in self.providers:
            if not provider.path.is_dir():
                self._report(provider.path, "Cannot read directory")
                continue
            for path in sorted(provider.path.rglob("*.json")):
                self._add(provider, path, found)
            if provider.keep_deleted:
                found = {**self.by_uid, **found}
        self.by_uid = found

    def _add(self, provider: Provider, path: Path, found: dict[str, dict[str, Any]]) -> None:
        try:
            body = parse_dashboard(path.read_text("utf-8"), path.name)
        except (ProvisioningError, OSError, UnicodeDecodeError) as error:
            self._report(path, f"failed to save dashboard: {error}")
            self._keep_last_good(path, provider, found)
            return
        if body["uid"] in found:
            self._report(path, f"the same UID is used more than once: {body['uid']}")
            return
        body["id"] = len(found) + 1
        meta = meta_of(provider, path, body["id"], body)
        found[body["uid"]] = {"meta": meta, "dashboard": body}

    def _keep_last_good(
        self, path: Path, provider: Provider, found: dict[str, dict[str, Any]]
    ) -> None:
        name = str(path.relative_to(provider.path))
        found |= {
            uid: entry
            for uid, entry in self.by_uid.items()
            if entry["meta"]["provisionedExternalId"] == name
        }

    def _report(self, path: Path, message: str) -> None:
        changed = path.stat().st_mtime if path.exists() else -1.0
        if self._reported.get(str(path)) != changed:
            self._reported[str(path)] = changed
            log(f"logger=provisioning.dashboard level=error file={path} error={message!r}")

    def poll_forever(self) -> None:
        """Look for changed files as often as the fastest provider asks."""
        while True:
            time.sleep(max(0.2, min((p.interval for p in self.providers), default=10)))
            self.scan()
