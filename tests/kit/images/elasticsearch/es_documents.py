"""Documents in the Elasticsearch stand-in: bulk, create, search, count, delete by query."""

from __future__ import annotations

import json
import re
import secrets
from typing import Any

from es_dates import QueryError, instant
from es_query import matches, sort_key
from es_security import Principal, es_error
from es_store import Store, has_timestamp
from standin import Faults, HttpError, words

Json = Any

WINDOW = 10_000
OPTIONS = words(
    "query size from sort _source track_total_hits fields track_scores timeout version"
    " stored_fields docvalue_fields explain highlight min_score runtime_mappings"
)
BAD_NAME = re.compile(r'[A-Z\\/*?"<>| ,#:]|^[-_+]')


class Documents:
    """The document operations, each on behalf of a Principal."""

    def __init__(self, store: Store, faults: Faults) -> None:
        self.store = store
        self.faults = faults

    def write(
        self, who: Principal, operation: str, name: str, identifier: str, source: Json
    ) -> dict[str, Any]:
        """Store one document, creating its index; raise HttpError as a bulk item would fail."""
        verb = "create_doc" if operation == "create" else "index"
        who.need_index(verb, name, "indices:data/write/bulk[s]")
        if not isinstance(source, dict):
            raise es_error(
                400, "document_parsing_exception", "[1:1] failed to parse: not an object"
            )
        meta = self.store.state["indices"].get(name)
        stream = meta["stream"] if meta else self._is_stream(name)
        if stream and operation != "create":
            reason = "only write ops with an op_type of create are allowed in data streams"
            raise es_error(400, "illegal_argument_exception", reason)
        if not meta:
            self._auto_create(who, name, stream=stream)
        if stream:
            self._check_timestamp(source)
        index = self.store.indices[name]
        if field := index.conflict(source):
            what = "an object" if index.kinds[field] else "a concrete value"
            reason = f"[1:1] object mapping for [{field}] tried to parse field as {what}"
            raise es_error(400, "document_parsing_exception", reason)
        existed = identifier in index.documents
        if existed and operation == "create":
            reason = f"[{identifier}]: version conflict, document already exists"
            raise es_error(409, "version_conflict_engine_exception", reason)
        identifier = identifier or secrets.token_urlsafe(15)
        if "lose-data-stream" not in self.faults:
            index.add(identifier, source)
        return self._written(name, identifier, existed=existed)

    def _written(self, name: str, identifier: str, *, existed: bool) -> dict[str, Any]:
        return {
            "_index": self.store.backing(name),
            "_id": identifier,
            "_version": 2 if existed else 1,
            "result": "updated" if existed else "created",
            "_shards": {"total": 1, "successful": 1, "failed": 0},
            "_seq_no": len(self.store.indices[name].documents),
            "_primary_term": 1,
            "status": 200 if existed else 201,
        }

    def _is_stream(self, name: str) -> bool:
        template = self.store.template_for(name)
        return bool(template and "data_stream" in template[1])

    def _auto_create(self, who: Principal, name: str, *, stream: bool) -> None:
        if BAD_NAME.search(name):
            raise es_error(400, "invalid_index_name_exception", f"Invalid index name [{name}]")
        who.need_index("auto_configure", name, "indices:admin/auto_create")
        self.store.create(name, stream=stream)

    def _check_timestamp(self, source: dict[str, Any]) -> None:
        if not has_timestamp(source):
            reason = "data stream timestamp field [@timestamp] is missing"
            raise es_error(400, "document_parsing_exception", reason)
        try:
            instant(source.get("@timestamp"))
        except QueryError as error:
            raise es_error(400, "document_parsing_exception", str(error)) from error

    def bulk(self, who: Principal, body: bytes, default_index: str) -> dict[str, Any]:
        """Run an NDJSON bulk body; item failures are in the items."""
        if not body.endswith(b"\n"):
            reason = "The bulk request must be terminated by a newline [\\n]"
            raise es_error(400, "illegal_argument_exception", reason)
        lines = iter(line for line in body.split(b"\n") if line.strip())
        items = []
        with self.store.lock:
            for line in lines:
                operation, target = self._action(line)
                source = None if operation == "delete" else json.loads(next(lines, b"null"))
                name = target.get("_index") or default_index
                items.append({operation: self._item(who, operation, name, target, source)})
        errors = any("error" in item for entry in items for item in entry.values())
        return {"took": 1, "errors": errors, "items": items}

    def _action(self, line: bytes) -> tuple[str, dict[str, Any]]:
        try:
            ((operation, target),) = json.loads(line).items()
        except (ValueError, AttributeError) as error:
            reason = "Malformed action/metadata line, expected START_OBJECT"
            raise es_error(400, "illegal_argument_exception", reason) from error
        if operation not in {"create", "index", "delete"}:
            reason = f"Malformed action/metadata line, unknown operation [{operation}]"
            raise es_error(400, "illegal_argument_exception", reason)
        return operation, target

    def _item(
        self, who: Principal, operation: str, name: str, target: dict[str, Any], source: Json
    ) -> dict[str, Any]:
        identifier = str(target.get("_id") or "")
        try:
            if operation == "delete":
                return self.remove(who, name, identifier)
            return self.write(who, operation, name, identifier, source)
        except HttpError as error:
            body = error.response.body
            cause = {k: v for k, v in body["error"].items() if k != "root_cause"}
            return {"_index": name, "_id": identifier, "status": body["status"], "error": cause}

    def remove(self, who: Principal, name: str, identifier: str) -> dict[str, Any]:
        """Delete one document by id."""
        who.need_index("delete", name, "indices:data/write/delete")
        index = self.store.indices.get(name)
        if index is None or identifier not in index.documents:
            return {"_index": name, "_id": identifier, "result": "not_found", "status": 404}
        index.remove([identifier])
        return {"_index": name, "_id": identifier, "result": "deleted", "status": 200}

    def targets(self, who: Principal, expression: str, action: str, privilege: str) -> list[str]:
        """Return what a user may use of an index expression; 403 and 404 as Elasticsearch does."""
        if not who.patterns(privilege):
            raise who.index_denied(privilege, [expression], action)
        found = self.store.names(expression)
        for part in expression.split(","):
            if "*" in part or part == "_all":
                continue
            who.need_index(privilege, part, action)
            if part not in found:
                reason = f"no such index [{part}]"
                raise es_error(404, "index_not_found_exception", reason, index=part)
        return [name for name in found if who.may_index(privilege, name)]

    def select(self, names: list[str], query: Json) -> list[tuple[str, str, dict[str, Any]]]:
        """Return (index, id, source) of all matching documents; HttpError 400 on a bad query."""
        try:
            return [
                (name, identifier, source)
                for name in names
                for identifier, source in list(self.store.indices[name].documents.items())
                if matches(query, {**source, "_id": identifier})
            ]
        except (QueryError, KeyError, TypeError, ValueError) as error:
            raise es_error(400, "parsing_exception", str(error)) from error

    def search(self, who: Principal, expression: str, body: dict[str, Any]) -> dict[str, Any]:
        """Answer a search body."""
        if unknown := set(body) - OPTIONS:
            reason = f"stand-in: unknown or unsupported search keys {sorted(unknown)}"
            raise es_error(400, "parsing_exception", reason)
        size, start = int(body.get("size", 10)), int(body.get("from", 0))
        if size + start > WINDOW:
            raise es_error(400, "illegal_argument_exception", "Result window is too large")
        names = self.targets(who, expression, "indices:data/read/search", "read")
        found = self.select(names, body.get("query") or {"match_all": {}})
        order = sort_fields(body.get("sort"))
        for field, descending in reversed(order):
            found.sort(key=lambda hit: sort_key(hit[2], field), reverse=descending)
        hits = [self._hit(hit, body, order) for hit in found[start : start + size]]
        shards = {"total": len(names), "successful": len(names), "skipped": 0, "failed": 0}
        total = {"value": len(found), "relation": "eq"}
        top = None if order or not found else 1.0
        answer = {"total": total, "max_score": top, "hits": hits}
        return {"took": 1, "timed_out": False, "_shards": shards, "hits": answer}

    def _hit(
        self,
        hit: tuple[str, str, dict[str, Any]],
        body: dict[str, Any],
        order: list[tuple[str, bool]],
    ) -> dict[str, Any]:
        name, identifier, source = hit
        entry: dict[str, Any] = {"_index": self.store.backing(name), "_id": identifier}
        entry["_score"] = None if order else 1.0
        wanted = body.get("_source", True)
        if wanted is not False:
            keys = [wanted] if isinstance(wanted, str) else wanted
            listed = isinstance(keys, list)
            entry["_source"] = {k: v for k, v in source.items() if not listed or k in keys}
        if order:
            keyed = [sort_key(source, field) for field, _ in order]
            entry["sort"] = [int(k[1] * 1000) if k[0] == 0 else k[2] for k in keyed]
        return entry


def sort_fields(sort: Json) -> list[tuple[str, bool]]:
    """Return (field, descending) pairs of a `sort`, which has four spellings."""
    entries = sort if isinstance(sort, list) else [sort] if sort else []
    pairs = []
    for entry in entries:
        if isinstance(entry, str):
            field, _, order = entry.partition(":")
            pairs.append((field, order == "desc"))
        else:
            field, options = next(iter(entry.items()))
            order = options.get("order", "asc") if isinstance(options, dict) else options
            pairs.append((field, order == "desc"))
    return pairs
