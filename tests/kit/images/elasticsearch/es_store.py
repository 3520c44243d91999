"""What the Elasticsearch stand-in keeps: a state file, and one NDJSON file per index."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from es_query import values
from es_settings import flatten, text
from standin_http import load_json, save_json

EMPTY: dict[str, Any] = {
    "cluster_uuid": "", "users": {}, "roles": {}, "components": {}, "templates": {}, "ilm": {},
    "settings": {"persistent": {}, "transient": {}}, "indices": {},
}  # fmt: skip
BUILT_IN_COMPONENTS: dict[str, Any] = {
    "logs@mappings": {"template": {"mappings": {}}},
    "logs@settings": {
        "template": {"settings": {"index": {"lifecycle": {"name": "logs@lifecycle"}}}}
    },
    "ecs@mappings": {"template": {"mappings": {}}},
}
BUILT_IN_TEMPLATES: dict[str, Any] = {
    kind: {
        "index_patterns": [f"{kind}-*-*"],
        "priority": 100,
        "composed_of": [f"{kind}@mappings", f"{kind}@settings", f"{kind}@custom", "ecs@mappings"],
        "ignore_missing_component_templates": [f"{kind}@custom", f"{kind}@mappings",
                                               f"{kind}@settings"],
        "data_stream": {"hidden": False, "allow_custom_routing": False},
        "_meta": {"managed": True},
    }
    for kind in ("logs", "metrics", "traces")
}  # fmt: skip
BUILT_IN_ILM: dict[str, Any] = {
    "logs@lifecycle": {
        "phases": {"hot": {"actions": {"rollover": {"max_age": "30d", "max_size": "50gb"}}}}
    }
}
KEPT_DOCUMENTS = 20_000


def nested_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Return index settings as Elasticsearch shows them: nested under `index`, all strings."""
    nested: dict[str, Any] = {}
    for name, value in flatten(settings).items():
        *parents, leaf = (name if name.startswith("index.") else f"index.{name}").split(".")
        place = nested
        for parent in parents:
            place = place.setdefault(parent, {})
        place[leaf] = text(value)
    return nested


class Index:
    """The documents of one index or data stream, newest last, and the file that keeps them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.documents: dict[str, Any] = {}
        self.kinds: dict[str, bool] = {}
        if path.exists():
            for line in path.read_text("utf-8").splitlines():
                entry = json.loads(line)
                self.documents[entry["_id"]] = entry["_source"]
                self.learn(entry["_source"])

    def learn(self, source: dict[str, Any]) -> None:
        """Remember which top-level fields are objects (the dynamic mapping)."""
        for field, value in source.items():
            if value is not None:
                self.kinds.setdefault(field, isinstance(value, dict))

    def conflict(self, source: dict[str, Any]) -> str:
        """Return the field whose value does not fit its mapping, or ""."""
        for field, value in source.items():
            known = self.kinds.get(field)
            if value is not None and known is not None and known != isinstance(value, dict):
                return field
        return ""

    def size(self) -> int:
        """Return the size of the file in bytes."""
        return self.path.stat().st_size if self.path.exists() else 0

    def add(self, identifier: str, source: dict[str, Any]) -> None:
        """Store one document; the oldest leave when there are too many."""
        self.learn(source)
        self.documents[identifier] = source
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"_id": identifier, "_source": source}) + "\n")
        if len(self.documents) > KEPT_DOCUMENTS:
            del self.documents[next(iter(self.documents))]

    def remove(self, identifiers: list[str]) -> None:
        """Delete documents and rewrite the file."""
        for identifier in identifiers:
            self.documents.pop(identifier, None)
        lines = [json.dumps({"_id": i, "_source": s}) + "\n" for i, s in self.documents.items()]
        self.path.write_text("".join(lines), "utf-8")


class Store:
    """All state, guarded by one lock, saved at every change."""

    def __init__(self, data: Path) -> None:
        self.lock = threading.RLock()
        self.path = data / "standin.json"
        self.folder = data / "indices"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.state = {**json.loads(json.dumps(EMPTY)), **load_json(self.path, {})}
        self.state["cluster_uuid"] = self.state["cluster_uuid"] or secrets.token_urlsafe(16)
        self.indices = {name: Index(self._file(name)) for name in self.state["indices"]}

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.ndjson"

    def save(self) -> None:
        """Write the state file."""
        save_json(self.path, self.state)

    @property
    def components(self) -> dict[str, Any]:
        """All component templates."""
        return {**BUILT_IN_COMPONENTS, **self.state["components"]}

    @property
    def templates(self) -> dict[str, Any]:
        """All index templates."""
        return {**BUILT_IN_TEMPLATES, **self.state["templates"]}

    @property
    def policies(self) -> dict[str, Any]:
        """All lifecycle policies."""
        return {**BUILT_IN_ILM, **self.state["ilm"]}

    def template_for(self, name: str) -> tuple[str, dict[str, Any]] | None:
        """Return the index template of highest priority that matches a name."""
        matching = [
            (template.get("priority", 0), key, template)
            for key, template in self.templates.items()
            if any(fnmatchcase(name, pattern) for pattern in template["index_patterns"])
        ]
        best = max(matching, key=lambda entry: (entry[0], entry[1]), default=None)
        return (best[1], best[2]) if best else None

    def _composed(self, template: dict[str, Any]) -> Iterator[dict[str, Any]]:
        for name in template.get("composed_of") or []:
            if name in self.components:
                yield self.components[name].get("template") or {}
        yield template.get("template") or {}

    def create(self, name: str, *, stream: bool) -> dict[str, Any]:
        """Create an index or data stream with what its templates say."""
        key, template = self.template_for(name) or ("", {})
        settings: dict[str, str] = {}
        lifecycle: dict[str, Any] = {}
        for part in self._composed(template):
            settings |= flatten(nested_settings(part.get("settings") or {}))
            lifecycle |= part.get("lifecycle") or {}
        hidden = name.startswith(".")
        meta = {
            "stream": stream,
            "template": key,
            "lifecycle": {"enabled": True, **lifecycle} if lifecycle else None,
            "ilm_policy": settings.get("index.lifecycle.name"),
            "prefer_ilm": settings.get("index.lifecycle.prefer_ilm", "true") == "true",
            "replicas": 0 if hidden else int(settings.get("index.number_of_replicas", 1)),
            "uuid": secrets.token_urlsafe(16),
            "created": datetime.fromtimestamp(time.time(), UTC).strftime("%Y.%m.%d"),
        }
        self.state["indices"][name] = meta
        self.indices[name] = Index(self._file(name))
        self.save()
        return meta

    def delete(self, name: str) -> None:
        """Delete an index or data stream with its documents."""
        self.state["indices"].pop(name, None)
        self.indices.pop(name, None)
        self._file(name).unlink(missing_ok=True)
        self.save()

    def names(self, expression: str, *, streams: bool | None = None) -> list[str]:
        """Return the names that a comma list of names and patterns matches, sorted."""
        patterns = ["*" if part == "_all" else part for part in expression.split(",")]
        return sorted(
            name
            for name, meta in self.state["indices"].items()
            if any(_fits(name, pattern) for pattern in patterns)
            and (streams is None or meta["stream"] is streams)
        )

    def backing(self, name: str) -> str:
        """Return the name of the index that holds a data stream's documents."""
        meta = self.state["indices"][name]
        return f".ds-{name}-{meta['created']}-000001" if meta["stream"] else name

    def health(self) -> str:
        """Return green, or yellow while some index wants a replica that one node can't hold."""
        wanted = any(meta["replicas"] for meta in self.state["indices"].values())
        return "yellow" if wanted else "green"


def _fits(name: str, pattern: str) -> bool:
    hidden = name.startswith(".") and not pattern.startswith(".")
    return name == pattern or (not hidden and fnmatchcase(name, pattern))


def has_timestamp(source: dict[str, Any]) -> bool:
    """Tell whether a document can enter a data stream."""
    return bool(values(source, "@timestamp"))
