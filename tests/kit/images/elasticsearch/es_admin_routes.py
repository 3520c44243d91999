"""REST routes of the Elasticsearch stand-in for security, templates, policies and streams."""

from __future__ import annotations

import time
from typing import Any

from es_api import Action, Node
from es_management import ACK, invalid, pick
from es_security import RESERVED, RESERVED_USERS, Principal, es_error, names_of
from es_settings import flatten
from es_store import Store, nested_settings
from standin import Request, Response

Json = Any


class AdminRoutes:
    """The handlers that administrators' tools call."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.store = node.store
        self.management = node.management
        self._security()
        self._templates("_component_template", "components", "component template")
        self._templates("_index_template", "templates", "index template")
        self._policies()
        self._streams()

    def _security(self) -> None:
        add, manage = self.node.add, self.management
        add("GET", "/_security/_authenticate", "", self.who_am_i)
        add("GET|POST", "/_security/user/_has_privileges", "", self.has_privileges)
        for pattern, change in (
            ("/_security/user/{name}/_password", manage.set_password),
            ("/_security/user/{name}", manage.put_user),
            ("/_security/role/{name}", manage.put_role),
        ):

            def put(_: Principal, request: Request, change: Json = change) -> Json:
                return change(request.params["name"], request.json())

            add("PUT|POST", pattern, "manage_security", put)
        for suffix in ("", "/{name}"):
            add("GET", f"/_security/user{suffix}", "manage_security", self.get_user)
            add("GET", f"/_security/role{suffix}", "manage_security", self.get_role)
        add("DELETE", "/_security/{kind}/{name}", "manage_security", self.delete_security)

    def who_am_i(self, who: Principal, _: Request) -> dict[str, Any]:
        """Return the caller."""
        reserved = who.name in RESERVED_USERS
        kind = "reserved" if reserved else "native"
        realm = {"name": "reserved" if reserved else "default_native", "type": kind}
        more = {"authentication_realm": realm, "lookup_realm": realm}
        return {**self.management.user_view(who.name), **more, "authentication_type": "realm"}

    def has_privileges(self, who: Principal, request: Request) -> dict[str, Any]:
        """Return which of the named privileges the caller has."""
        body = request.json()
        cluster = {name: who.may_cluster(name) for name in body.get("cluster") or []}
        index = {
            name: {each: who.may_index(each, name) for each in entry["privileges"]}
            for entry in body.get("index") or []
            for name in names_of(entry["names"])
        }
        granted = [*cluster.values(), *(yes for each in index.values() for yes in each.values())]
        answer = {"cluster": cluster, "index": index, "application": {}}
        return {"username": who.name, "has_all_requested": all(granted), **answer}

    def get_user(self, _: Principal, request: Request) -> Response:
        """Return users by name; 404 with an empty body for none."""
        names = set(self.store.state["users"]) | set(RESERVED_USERS)
        wanted = request.params.get("name")
        chosen = names & set(wanted.split(",")) if wanted else names
        views = {name: self.management.user_view(name) for name in sorted(chosen)}
        return Response(200 if views or not wanted else 404, views)

    def get_role(self, _: Principal, request: Request) -> Response:
        """Return roles by name; 404 with an empty body for none."""
        roles = {**self.store.state["roles"], **RESERVED}
        wanted = request.params.get("name")
        found = {n: r for n, r in roles.items() if not wanted or n in wanted.split(",")}
        return Response(200 if found or not wanted else 404, found)

    def delete_security(self, _: Principal, request: Request) -> Response:
        """Delete a user or role."""
        kind, name = request.params["kind"], request.params["name"]
        if name in RESERVED or name in RESERVED_USERS or kind not in {"user", "role"}:
            raise invalid(f"[{name}] is reserved")
        found = self.store.state[f"{kind}s"].pop(name, None) is not None
        self.store.save()
        return Response(200 if found else 404, {"found": found})

    def _templates(self, path: str, kind: str, what: str) -> None:
        key, privilege = what.replace(" ", "_"), "manage_index_templates"

        def put(_: Principal, request: Request) -> Json:
            return self.management.put_template(kind, request.params["name"], request.json())

        def get(_: Principal, request: Request) -> Json:
            found = pick(getattr(self.store, kind), request.params.get("name", "*"), what)
            return {f"{key}s": [{"name": n, key: entry} for n, entry in found.items()]}

        def delete(_: Principal, request: Request) -> Json:
            for name in pick(self.store.state[kind], request.params["name"], what):
                del self.store.state[kind][name]
            self.store.save()
            return ACK

        for methods, suffix, action in (
            ("PUT|POST", "/{name}", put), ("GET", "/{name}", get), ("GET", "", get),
            ("DELETE", "/{name}", delete),
        ):  # fmt: skip
            self.node.add(methods, f"/{path}{suffix}", privilege, action)

    def _policies(self) -> None:
        def put(_: Principal, request: Request) -> Json:
            return self.management.put_policy(request.params["name"], request.json())

        def get(_: Principal, request: Request) -> Json:
            name = request.params.get("name", "*")
            found = pick(self.store.policies, name, "lifecycle policy")
            return {key: policy_view(key, policy, self.store) for key, policy in found.items()}

        self.node.add("PUT", "/_ilm/policy/{name}", "manage_ilm", put)
        self.node.add("GET", "/_ilm/policy/{name}", "read_ilm", get)
        self.node.add("GET", "/_ilm/policy", "read_ilm", get)

    def _streams(self) -> None:
        routes: tuple[tuple[str, str, Action], ...] = (
            ("GET", "/_data_stream", self.list_streams),
            ("GET", "/_data_stream/{name}", self.list_streams),
            ("GET", "/_data_stream/{name}/_stats", self.stream_stats),
            ("GET", "/_data_stream/{name}/_lifecycle", self.get_lifecycle),
            ("PUT", "/_data_stream/{name}/_lifecycle", self.put_lifecycle),
            ("PUT", "/_data_stream/{name}", self.create_stream),
            ("DELETE", "/_data_stream/{name}", self.delete_streams),
            ("PUT", "/{name}/_settings", self.put_settings),
        )
        for methods, pattern, action in routes:
            self.node.add(methods, pattern, "", action)

    def _visible(self, who: Principal, expression: str) -> list[str]:
        action = "indices:admin/data_stream/get"
        if not who.patterns("view_index_metadata"):
            raise who.index_denied("view_index_metadata", [expression], action)
        names = self.store.names(expression, streams=True)
        if not names and "*" not in expression:
            reason = f"no such index [{expression}]"
            raise es_error(404, "index_not_found_exception", reason, index=expression)
        return [name for name in names if who.may_index("view_index_metadata", name)]

    def list_streams(self, who: Principal, request: Request) -> Json:
        """Return data streams by name or pattern."""
        names = self._visible(who, request.params.get("name", "*"))
        return {"data_streams": [self.management.stream_view(name) for name in names]}

    def stream_stats(self, who: Principal, request: Request) -> Json:
        """Return sizes of data streams."""
        names = self._visible(who, request.params["name"])
        streams: list[dict[str, Any]] = [
            {
                "data_stream": name,
                "backing_indices": 1,
                "store_size_bytes": self.store.indices[name].size(),
                "maximum_timestamp": 0,
            }
            for name in names
        ]
        total = sum(stream["store_size_bytes"] for stream in streams)
        shards = {"total": len(names), "successful": len(names), "failed": 0}
        counts = {"data_stream_count": len(names), "backing_indices": len(names)}
        more = {"total_store_size_bytes": total, "data_streams": streams}
        return {"_shards": shards, **counts, **more}

    def get_lifecycle(self, who: Principal, request: Request) -> Json:
        """Return the lifecycles of data streams."""
        self._visible(who, request.params["name"])
        return self.management.lifecycles(request.params["name"])

    def put_lifecycle(self, who: Principal, request: Request) -> Json:
        """Change the lifecycle of existing data streams."""
        action = "indices:admin/data_stream/lifecycle/put"
        name = request.params["name"]
        who.need_index("manage_data_stream_lifecycle", name, action)
        return self.management.put_lifecycle(name, request.json())

    def put_settings(self, who: Principal, request: Request) -> Json:
        """Change settings of the indices behind data streams and of others."""
        name = request.params["name"]
        who.need_index("manage", name, "indices:admin/settings/update")
        given = flatten(nested_settings(request.json()))
        if set(given) != {"index.lifecycle.prefer_ilm"}:
            raise invalid(f"stand-in: only prefer_ilm is stood in for, not {sorted(given)}")
        for one in self.store.names(name):
            prefers = given["index.lifecycle.prefer_ilm"] == "true"
            self.store.state["indices"][one]["prefer_ilm"] = prefers
        self.store.save()
        return ACK

    def create_stream(self, who: Principal, request: Request) -> Json:
        """Create a data stream that a template allows."""
        name = request.params["name"]
        who.need_index("create_index", name, "indices:admin/data_stream/create")
        template = self.store.template_for(name)
        if name in self.store.indices:
            reason = f"data_stream [{name}] already exists"
            raise es_error(400, "resource_already_exists_exception", reason)
        if not template or "data_stream" not in template[1]:
            reason = f"no matching index template found for data stream [{name}]"
            raise es_error(400, "illegal_argument_exception", reason)
        self.store.create(name, stream=True)
        return ACK

    def delete_streams(self, who: Principal, request: Request) -> Json:
        """Delete data streams by name or pattern."""
        who.need_index("delete_index", request.params["name"], "indices:admin/data_stream/delete")
        for name in self._visible(who, request.params["name"]):
            self.store.delete(name)
        return ACK


def policy_view(name: str, policy: dict[str, Any], store: Store) -> dict[str, Any]:
    """Return a lifecycle policy as the API shows it."""
    users = [n for n, meta in store.state["indices"].items() if meta["ilm_policy"] == name]
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
    use = {"indices": [], "data_streams": users, "composable_templates": []}
    return {"version": 1, "modified_date": stamp, "policy": policy, "in_use_by": use}
