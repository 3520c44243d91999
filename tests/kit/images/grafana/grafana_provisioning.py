"""Grafana's data source provisioning: YAML, `$VAR` and `$__file{}` expansion, the uid rules."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

Json = Any

Datasource = dict[str, Any]
SPECIAL = re.compile(r"\$__(file|env)\{([^}]*)\}")
VARIABLE = re.compile(r"\$\$|\$\{(\w+)\}|\$(\w+)")


class ProvisioningError(Exception):
    """A provisioning file that Grafana refuses."""


def expand(value: Json, environment: Mapping[str, str]) -> Json:
    """Expand `$__file{path}`, `$__env{X}`, `$X`, `${X}` in all strings; `$$` is a dollar."""
    if isinstance(value, dict):
        return {key: expand(item, environment) for key, item in value.items()}
    if isinstance(value, list):
        return [expand(item, environment) for item in value]
    return _expand_text(value, environment) if isinstance(value, str) else value


def _expand_text(text: str, environment: Mapping[str, str]) -> str:
    def special(match: re.Match[str]) -> str:
        kind, argument = match.groups()
        if kind == "env":
            return environment.get(argument, "")
        try:
            return Path(argument).read_text("utf-8").strip()
        except OSError as error:
            raise ProvisioningError(f"failed to read {argument}: {error.strerror}") from error

    if SPECIAL.search(text):
        return SPECIAL.sub(special, text)
    return VARIABLE.sub(
        lambda match: "$" if match[0] == "$$" else environment.get(match[1] or match[2], ""),
        text,
    )


def load_files(folder: Path) -> list[dict[str, Any]]:
    """Return the documents of a provisioning folder, by file name; a missing folder is empty."""
    documents = []
    for path in sorted(folder.glob("*.y*ml")) if folder.is_dir() else []:
        try:
            document = yaml.safe_load(path.read_text("utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise ProvisioningError(f"{path.name}: {error}") from error
        if document is None:
            continue
        if not isinstance(document, dict) or document.get("apiVersion") != 1:
            raise ProvisioningError(f"{path.name}: apiVersion 1 and a mapping are expected")
        documents.append(document)
    return documents


def provision(
    documents: list[dict[str, Any]], known: list[Datasource], environment: Mapping[str, str]
) -> list[Datasource]:
    """Return the data sources after applying the documents to those already known."""
    sources = {source["name"]: source for source in known}
    wanted = [expand(s, environment) for d in documents for s in d.get("datasources") or []]
    if sum(bool(source.get("isDefault")) for source in wanted) > 1:
        raise ProvisioningError(
            "datasource.yaml config is invalid. Only one datasource per organization can be marked"
            " as default"
        )
    for document in documents:
        for gone in document.get("deleteDatasources") or []:
            sources.pop(gone.get("name"), None)
    if any(document.get("prune") for document in documents):
        names = {source.get("name") for source in wanted}
        sources = {name: source for name, source in sources.items() if name in names}
    for source in wanted:
        _store(source, sources)
    return list(sources.values())


def _store(source: Datasource, sources: dict[str, Datasource]) -> None:
    name, kind = source.get("name"), source.get("type")
    if not name or not kind:
        raise ProvisioningError("datasource without name or type")
    if source.get("access", "proxy") not in {"proxy", "direct"}:
        raise ProvisioningError(f"{name}: access must be proxy or direct")
    known = sources.get(name)
    uid = source.get("uid") or (known or {}).get("uid") or _generated_uid(name)
    if known and known["uid"] != uid:
        raise ProvisioningError("Datasource provisioning error: data source not found")
    if any(other["uid"] == uid and other["name"] != name for other in sources.values()):
        raise ProvisioningError(f"data source with the same uid already exists: {uid}")
    number = known["id"] if known else 1 + max((s["id"] for s in sources.values()), default=0)
    version = (known or {}).get("version", 0) + 1
    sources[name] = {**source, "uid": uid, "id": number, "version": version}


def _generated_uid(name: str) -> str:
    return "P" + hashlib.sha256(name.encode()).hexdigest()[:16].upper()


def public_view(source: Datasource) -> dict[str, Any]:
    """Return a data source as the API shows it: secrets only as the names that are set."""
    return {
        "id": source["id"],
        "uid": source["uid"],
        "orgId": source.get("orgId", 1),
        "name": source["name"],
        "type": source["type"],
        "typeName": source["type"].capitalize(),
        "typeLogoUrl": "",
        "access": source.get("access", "proxy"),
        "url": source.get("url", ""),
        "user": source.get("user", ""),
        "database": source.get("database", ""),
        "basicAuth": bool(source.get("basicAuth")),
        "basicAuthUser": source.get("basicAuthUser", ""),
        "withCredentials": bool(source.get("withCredentials")),
        "isDefault": bool(source.get("isDefault")),
        "jsonData": source.get("jsonData") or {},
        "secureJsonFields": dict.fromkeys(source.get("secureJsonData") or {}, True),
        "version": source["version"],
        "readOnly": not source.get("editable", False),
    }


def load_datasources(folder: Path, known: list[Datasource]) -> list[Datasource]:
    """Provision from a folder with the process's environment."""
    return provision(load_files(folder / "datasources"), known, os.environ)
