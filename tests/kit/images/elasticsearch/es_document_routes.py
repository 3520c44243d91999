"""REST routes of the Elasticsearch stand-in for documents and searches."""

from __future__ import annotations

from typing import Any

from es_api import Node
from es_management import ACK
from es_security import Principal, es_error
from standin import Request, Response

Json = Any

SHARDS = {"total": 1, "successful": 1, "skipped": 0, "failed": 0}


class DocumentRoutes:
    """The handlers that shippers and readers call."""

    def __init__(self, node: Node) -> None:
        self.store = node.store
        self.documents = node.documents
        for methods, pattern, action in (
            ("POST|PUT", "/_bulk", self.bulk),
            ("POST|PUT", "/{index}/_bulk", self.bulk),
            ("POST", "/{index}/_doc", self.write),
            ("POST|PUT", "/{index}/_doc/{id}", self.write),
            ("POST|PUT", "/{index}/_create/{id}", self.create),
            ("GET", "/{index}/_doc/{id}", self.get),
            ("DELETE", "/{index}/_doc/{id}", self.delete),
            ("GET|POST", "/_search", self.search),
            ("GET|POST", "/{index}/_search", self.search),
            ("GET|POST", "/_count", self.count),
            ("GET|POST", "/{index}/_count", self.count),
            ("POST", "/{index}/_delete_by_query", self.delete_by_query),
            ("GET|POST", "/_refresh", self.refresh),
            ("GET|POST", "/{index}/_refresh", self.refresh),
            ("DELETE", "/{index}", self.delete_index),
            ("GET", "/{index}", self.exists),
        ):
            node.add(methods, pattern, "", action)

    def bulk(self, who: Principal, request: Request) -> Json:
        """Run a bulk request."""
        return self.documents.bulk(who, request.body, request.params.get("index", ""))

    def write(self, who: Principal, request: Request) -> Response:
        """Index one document; without an id, into a stream too (that is a create)."""
        name, identifier = request.params["index"], request.params.get("id", "")
        asked = request.arg("op_type")
        operation = asked or ("index" if identifier else "create")
        return self._answer(who, operation, name, identifier, request)

    def create(self, who: Principal, request: Request) -> Response:
        """Create one document with an id."""
        params = request.params
        return self._answer(who, "create", params["index"], params["id"], request)

    def _answer(
        self, who: Principal, operation: str, name: str, identifier: str, request: Request
    ) -> Response:
        result = self.documents.write(who, operation, name, identifier, request.json())
        return Response(result.pop("status"), result)

    def get(self, who: Principal, request: Request) -> Response:
        """Return one document by id."""
        name, identifier = request.params["index"], request.params["id"]
        (target,) = self.documents.targets(who, name, "indices:data/read/get", "read") or ("",)
        source = self.store.indices[target].documents.get(identifier) if target else None
        place = {"_index": name, "_id": identifier, "found": source is not None}
        if source is None:
            return Response(404, place)
        return Response(200, {**place, "_version": 1, "_source": source})

    def delete(self, who: Principal, request: Request) -> Response:
        """Delete one document by id."""
        result = self.documents.remove(who, request.params["index"], request.params["id"])
        return Response(result.pop("status"), result)

    def _body(self, request: Request) -> dict[str, Any]:
        body: dict[str, Any] = dict(request.json())
        if "q" in request.query:
            body["query"] = {"query_string": {"query": request.arg("q")}}
        for name in ("size", "from", "sort"):
            if name in request.query:
                body[name] = request.arg(name)
        return body

    def _expression(self, request: Request) -> str:
        name = request.params.get("index", "*")
        if request.flag("ignore_unavailable"):
            parts = [p for p in name.split(",") if "*" in p or self.store.names(p)]
            return ",".join(parts) or "*,-*"
        return name

    def search(self, who: Principal, request: Request) -> Json:
        """Search one index expression."""
        return self.documents.search(who, self._expression(request), self._body(request))

    def count(self, who: Principal, request: Request) -> Json:
        """Count the documents of a query."""
        body = {"query": {"match_all": {}}, **self._body(request), "size": 0}
        found = self.documents.search(who, self._expression(request), body)
        return {"count": found["hits"]["total"]["value"], "_shards": found["_shards"]}

    def delete_by_query(self, who: Principal, request: Request) -> Json:
        """Delete the documents of a query."""
        query = self._body(request).get("query")
        if not query:
            reason = "Validation Failed: 1: query is missing;"
            raise es_error(400, "action_request_validation_exception", reason)
        action = "indices:data/write/delete/byquery"
        names = self.documents.targets(who, request.params["index"], action, "delete")
        found = self.documents.select(names, query)
        for name in names:
            doomed = [identifier for index, identifier, _ in found if index == name]
            if doomed:
                self.store.indices[name].remove(doomed)
        count = len(found)
        done = {"total": count, "deleted": count, "batches": 1, "version_conflicts": 0, "noops": 0}
        more = {"retries": {"bulk": 0, "search": 0}, "throttled_millis": 0, "failures": []}
        return {"took": 1, "timed_out": False, **done, **more}

    def refresh(self, who: Principal, request: Request) -> Json:
        """Do nothing: documents are searchable at once."""
        name = request.params.get("index", "*")
        self.documents.targets(who, name, "indices:admin/refresh", "maintenance")
        return {"_shards": SHARDS}

    def delete_index(self, who: Principal, request: Request) -> Json:
        """Delete a plain index."""
        name = request.params["index"]
        who.need_index("delete_index", name, "indices:admin/delete")
        if not self.store.names(name, streams=False):
            reason = f"no such index [{name}]"
            raise es_error(404, "index_not_found_exception", reason, index=name)
        self.store.delete(name)
        return ACK

    def exists(self, who: Principal, request: Request) -> Json:
        """Return the indices of an expression."""
        name = request.params["index"]
        action = "indices:admin/get"
        names = self.documents.targets(who, name, action, "view_index_metadata")
        return {self.store.backing(n): {"aliases": {}, "mappings": {}} for n in names}
