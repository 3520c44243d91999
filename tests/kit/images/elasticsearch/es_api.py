"""The REST routes of the Elasticsearch stand-in."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from es_documents import Documents
from es_management import Management
from es_security import RESERVED, Principal, es_error, unauthenticated
from es_stats import cat_indices, license_view, nodes_stats, root
from es_store import Store
from standin import App, Faults, Request, Response

Action = Callable[[Principal, Request], Any]
RANK = {"green": 0, "yellow": 1, "red": 2}
SUPERUSER = Principal("_anonymous", ["superuser"], RESERVED)


class Node(App):
    """One node: every route authenticates, then needs its privilege."""

    def __init__(
        self,
        store: Store,
        settings: Mapping[str, str],
        faults: Faults,
        file_realm: Path | None = None,
    ) -> None:
        super().__init__(faults)
        self.store = store
        self.settings = settings
        self.name = settings.get("node.name") or os.uname().nodename
        self.secured = settings.get("xpack.security.enabled", "true") == "true"
        self.documents = Documents(store, faults)
        self.management = Management(store, faults, file_realm)
        self.common_headers = {"X-elastic-product": "Elasticsearch"}
        self.on_faults = self.apply_faults
        self.apply_faults()
        self._cluster_routes()

    def apply_faults(self) -> None:
        """Lose at once what is asked to be lost; writes are then acknowledged and forgotten."""
        with self.store.lock:
            if "lose-data-stream" in self.faults:
                for name in self.store.names("*", streams=True):
                    self.store.delete(name)
            if "lose-template" in self.faults:
                self.store.state.update(components={}, templates={})
                self.store.save()

    def add(self, methods: str, pattern: str, privilege: str, action: Action) -> None:
        """Add a route that needs a cluster privilege ("" for any user)."""

        def handler(request: Request) -> Response:
            who = self.identify(request)
            if privilege:
                who.need_cluster(privilege, f"cluster:{privilege}{request.path}")
            try:
                with self.store.lock:
                    result = action(who, request)
            except json.JSONDecodeError as error:
                raise es_error(400, "x_content_parse_exception", str(error)) from error
            return result if isinstance(result, Response) else Response(200, result)

        self.route(methods, pattern, handler)

    def identify(self, request: Request) -> Principal:
        """Return who asks; raise the 401."""
        if not self.secured:
            return SUPERUSER
        given = request.basic()
        if given is None:
            raise unauthenticated(request, None)
        principal = self.management.authenticate(*given)
        if principal is None:
            raise unauthenticated(request, given[0])
        return principal

    def not_found(self, request: Request) -> Response:
        """Answer an unknown route as Elasticsearch does."""
        self.identify(request)
        reason = f"no handler found for uri [{request.path}] and method [{request.method}]"
        return Response(400, {"error": reason, "status": 400})

    def _cluster_routes(self) -> None:
        store, manage = self.store, self.management
        self.add("GET", "/", "monitor", lambda _, __: root(self))
        self.route("GET", "/_cluster/health", self.health)
        self.route("GET", "/_cluster/health/{index}", self.health)
        self.add("GET", "/_license", "monitor", lambda _, __: license_view(self))
        self.add("GET", "/_cluster/settings", "monitor", lambda _, __: store.state["settings"])
        self.add("PUT", "/_cluster/settings", "manage", lambda _, r: manage.put_settings(r.json()))
        for pattern in ("/_nodes/stats", "/_nodes/{a*}", "/_nodes"):
            self.add("GET", pattern, "monitor", lambda _, __: nodes_stats(self))
        for pattern in ("/_cat/indices", "/_cat/indices/{index}"):
            self.add("GET", pattern, "monitor", lambda who, r: cat_indices(self, who, r))

    def health(self, request: Request) -> Response:
        """Answer cluster health, waiting for a status without holding the lock."""
        self.identify(request).need_cluster("monitor", "cluster:monitor/health")
        wanted = request.arg("wait_for_status", "red")
        if wanted not in RANK:
            raise es_error(400, "illegal_argument_exception", f"unknown cluster health [{wanted}]")
        deadline = time.monotonic() + duration(request.arg("timeout", "30s"))
        while (status := self.status()) and RANK[status] > RANK[wanted]:
            if time.monotonic() >= deadline:
                break
            time.sleep(0.05)
        late = RANK[status] > RANK[wanted]
        return Response(408 if late else 200, self.health_view(status, late=late))

    def status(self) -> str:
        """Return green, yellow or red."""
        return "red" if "unhealthy" in self.faults else self.store.health()

    def health_view(self, status: str, *, late: bool) -> dict[str, Any]:
        """Return the body of cluster health."""
        shards = len(self.store.indices)
        missing = sum(meta["replicas"] for meta in self.store.state["indices"].values())
        return {
            "cluster_name": self.settings.get("cluster.name", "elasticsearch"),
            "status": status,
            "timed_out": late,
            "number_of_nodes": 1,
            "number_of_data_nodes": 1,
            "active_primary_shards": shards,
            "active_shards": shards,
            "relocating_shards": 0,
            "initializing_shards": 0,
            "unassigned_shards": missing,
            "unassigned_primary_shards": 0,
            "delayed_unassigned_shards": 0,
            "number_of_pending_tasks": 0,
            "number_of_in_flight_fetch": 0,
            "task_max_waiting_in_queue_millis": 0,
            "active_shards_percent_as_number": 100.0 * shards / max(1, shards + missing),
        }


def duration(text: str) -> float:
    """Return `30s` or `500ms` in seconds."""
    units = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
    number = text.rstrip("mshd")
    try:
        return float(number) * units[text[len(number) :]]
    except (KeyError, ValueError) as error:
        raise es_error(400, "illegal_argument_exception", f"failed to parse [{text}]") from error
