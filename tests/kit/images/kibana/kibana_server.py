"""The Kibana stand-in: status, login redirect, data views and saved objects."""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from kibana_connectors import Connectors
from kibana_objects import (
    VIEW,
    Elasticsearch,
    SavedObjects,
    kibana_error,
    multipart_file,
    saved_view,
    view_of,
)
from kibana_settings import SettingsError, authorities, read_settings, variable_arguments
from standin import App, Faults, HttpError, Request, Response, fail, log, serve
from standin_http import UnreachableError

VERSION = "9.5.2"
PAGE = "<!DOCTYPE html><title>Elastic</title>"
WRITERS = {"superuser", "kibana_admin", "editor"}
READERS = WRITERS | {"viewer"}
OPEN_PATHS = {"/", "/login", "/api/status"}
DEFAULT_VIEW = ("config", "default-data-view")


class Kibana(App):
    """State and routes."""

    def __init__(self, settings: Mapping[str, Any], faults: Faults) -> None:
        super().__init__(faults)
        self.settings = settings
        hosts = settings.get("elasticsearch.hosts", "http://localhost:9200")
        user = settings.get("elasticsearch.username")
        auth = (str(user), str(settings.get("elasticsearch.password", ""))) if user else None
        url = str(hosts[0] if isinstance(hosts, list) else hosts)
        self.cluster = Elasticsearch(url, auth, authorities(settings))
        self.objects = SavedObjects(self.cluster)
        self.connectors = Connectors(self.objects, settings)
        self.started = False
        self.reason = "waiting for Elasticsearch"
        self.common_headers = {"kbn-name": str(settings.get("server.name") or os.uname().nodename)}
        self._routes()

    def _routes(self) -> None:
        html = {"Content-Type": "text/html; charset=utf-8"}
        for methods, pattern, handler in (
            ("GET", "/", self.entry),
            ("GET", "/login", lambda _: Response(200, PAGE, html)),
            ("GET", "/api/status", self.status),
            ("GET", "/api/data_views", self.list_views),
            ("POST", "/api/data_views/data_view", self.create_view),
            ("GET", "/api/data_views/data_view/{id}", self.get_view),
            ("POST", "/api/data_views/data_view/{id}", self.update_view),
            ("DELETE", "/api/data_views/data_view/{id}", self.delete_view),
            ("GET", "/api/data_views/default", self.get_default),
            ("POST", "/api/data_views/default", self.set_default),
            ("POST", "/api/saved_objects/_import", self.import_objects),
            ("GET", "/api/saved_objects/_find", self.find_objects),
            ("GET", "/api/saved_objects/{type}/{id}", self.get_object),
            ("POST", "/api/actions/connector", self.connectors.create),
            ("POST", "/api/actions/connector/{id}/_execute", self.connectors.execute),
            ("POST", "/api/encrypted_saved_objects/_rotate_key",
             lambda one: self.connectors.rotate_key(self.authenticate(one))),
        ):  # fmt: skip
            self.route(methods, pattern, handler)

    def watch(self) -> None:
        """Ask Elasticsearch twice a second whether the configured user is let in."""
        while True:
            reason = self.cluster.state()
            if reason != self.reason:
                log(f"[elasticsearch-service] {reason or 'Elasticsearch is available'}")
            self.reason = reason
            self.started = self.started or not reason
            time.sleep(0.5)

    def before(self, request: Request) -> Request:
        """Strip base path and space; check readiness, kbn-xsrf and credentials."""
        path = re.sub(r"^/s/[a-z0-9_-]+(?=/)", "", self._without_base(request.path))
        request = replace(request, path=path)
        if not self.started and path != "/api/status":
            raise HttpError(503, "Kibana server is not ready yet", {"Retry-After": "30"})
        marked = {"kbn-xsrf", "kbn-version", "x-elastic-internal-origin"} & set(request.headers)
        if request.method not in {"GET", "HEAD"} and not marked:
            raise kibana_error(400, "Request must contain a kbn-xsrf header.")
        if path not in OPEN_PATHS:
            wanted = READERS if request.method in {"GET", "HEAD"} else WRITERS
            if not wanted & set(self.authenticate(request)):
                raise kibana_error(403, "Forbidden")
        return request

    def _without_base(self, path: str) -> str:
        base = str(self.settings.get("server.basePath") or "")
        strip = base and self.settings.get("server.rewriteBasePath") and path.startswith(base)
        return (path[len(base) :] or "/") if strip else path

    def authenticate(self, request: Request) -> list[str]:
        """Return the roles of the caller, as Elasticsearch tells them; raise the 401."""
        given = request.basic()
        if given is None or "refuse-password" in self.faults:
            raise kibana_error(401, "Unauthorized")
        try:
            status, answer = self.cluster.ask("GET", "/_security/_authenticate", auth=given)
        except UnreachableError as error:
            raise kibana_error(503, str(error)) from error
        if status != 200:
            message = "[security_exception]: unable to authenticate user for REST request"
            raise kibana_error(401, message)
        roles: list[str] = answer["roles"]
        return roles

    def not_found(self, _: Request) -> Response:
        return kibana_error(404, "Not Found").response

    def entry(self, request: Request) -> Response:
        base = str(self.settings.get("server.basePath") or "")
        if request.basic() and self.authenticate(request):
            return Response(302, "", {"Location": f"{base}/spaces/enter"})
        return Response(302, "", {"Location": f"{base}/login?next=%2F"})

    def status(self, request: Request) -> Response:
        """Return the status: only its level to those who don't sign in."""
        sick = bool(self.reason) or "unhealthy" in self.faults
        level = "critical" if sick else "available"
        code = 503 if sick else 200
        if not request.basic() and self.settings.get("status.allowAnonymous") is not True:
            return Response(code, {"status": {"overall": {"level": level}}})
        if request.basic() and not self.reason:
            self.authenticate(request)
        part = {"level": level, "summary": self.reason or "All services are available"}
        core = {"elasticsearch": part, "savedObjects": part}
        version = {"number": VERSION, "build_hash": "standin", "build_snapshot": False}
        status = {"overall": part, "core": core, "plugins": {}}
        about = {"name": self.common_headers["kbn-name"], "uuid": "standin", "version": version}
        return Response(code, {**about, "status": status, "metrics": {}})

    def list_views(self, _: Request) -> Response:
        """List the data views."""
        views = [view_of(saved) for saved in self.objects.find([VIEW])]
        keys = ("id", "namespaces", "title", "name", "typeMeta")
        listed = [{k: view[k] for k in keys if k in view} for view in views]
        return Response(200, {"data_view": listed})

    def create_view(self, request: Request) -> Response:
        """Create a data view; without `override`, a known id, title or name is an error."""
        body = request.json()
        if unknown := sorted(set(body) - {"data_view", "override", "refresh_fields"}):
            raise kibana_error(
                400, f"[request body.{unknown[0]}]: definition for this key is missing"
            )
        saved = saved_view(body.get("data_view") or {})
        title, name = saved["attributes"]["title"], saved["attributes"].get("name")
        for other in self.objects.find([VIEW]):
            same_name = other["attributes"].get("name", other["attributes"]["title"]) == (
                name or title
            )
            if (other["id"] == saved["id"] or same_name) and not body.get("override"):
                raise kibana_error(400, f"Duplicate data view: {name or title}")
            if same_name and other["id"] != saved["id"]:
                self.objects.delete(VIEW, other["id"])
        stored = self.objects.put(saved)
        if not self.default():
            self._store_default(stored["id"])
        return Response(200, {"data_view": view_of(stored)})

    def get_view(self, request: Request) -> Response:
        """Return one data view."""
        return Response(200, {"data_view": view_of(self.objects.get(VIEW, request.params["id"]))})

    def update_view(self, request: Request) -> Response:
        """Change some attributes of a data view."""
        saved = self.objects.get(VIEW, request.params["id"])
        saved["attributes"] |= request.json().get("data_view") or {}
        return Response(200, {"data_view": view_of(self.objects.put(saved))})

    def delete_view(self, request: Request) -> Response:
        """Delete one data view."""
        self.objects.get(VIEW, request.params["id"])
        self.objects.delete(VIEW, request.params["id"])
        return Response(200, "")

    def default(self) -> str:
        """Return the default data view's id, or ""."""
        found = [s for s in self.objects.find([DEFAULT_VIEW[0]]) if s["id"] == DEFAULT_VIEW[1]]
        return str(found[0]["attributes"]["defaultIndex"]) if found else ""

    def _store_default(self, identifier: str | None) -> None:
        kind, name = DEFAULT_VIEW
        attributes = {"defaultIndex": identifier or ""}
        self.objects.put({"type": kind, "id": name, "attributes": attributes})

    def get_default(self, _: Request) -> Response:
        """Return the default data view's id."""
        return Response(200, {"data_view_id": self.default()})

    def set_default(self, request: Request) -> Response:
        """Set the default data view, if there is none or with `force`."""
        body = request.json()
        if "data_view_id" not in body:
            raise kibana_error(400, "[request body.data_view_id]: expected value of type [string]")
        if body.get("force") or not self.default():
            self._store_default(body["data_view_id"])
        return Response(200, {"acknowledged": True})

    def import_objects(self, request: Request) -> Response:
        """Import an NDJSON file."""
        text = multipart_file(request.headers.get("content-type", ""), request.body)
        return Response(200, self.objects.import_lines(text, overwrite=request.flag("overwrite")))

    def find_objects(self, request: Request) -> Response:
        """Find saved objects by type."""
        types = request.query.get("type", [])
        if not types:
            raise kibana_error(400, "[request query.type]: expected at least one defined value")
        found = self.objects.find(types)
        size = int(request.arg("per_page", "20"))
        page = {"page": 1, "per_page": size, "total": len(found)}
        return Response(200, {**page, "saved_objects": found[:size]})

    def get_object(self, request: Request) -> Response:
        """Return one saved object."""
        return Response(200, self.objects.get(request.params["type"], request.params["id"]))


def main(arguments: list[str]) -> None:
    """Start as kibana-docker (`--from-environment`) or bin/kibana does."""
    home = Path(os.environ.get("STANDIN_HOME", "/usr/share/kibana"))
    if arguments[:1] == ["--from-environment"]:
        arguments = [*variable_arguments(os.environ), *arguments[1:]]
    try:
        settings = read_settings(arguments, os.environ, home / "config" / "kibana.yml")
        app = Kibana(settings, Faults.from_environment())
    except SettingsError as error:
        fail(f"FATAL  Error: {error}", error.code)
    data = Path(settings.get("path.data", home / "data"))
    if not os.access(data, os.W_OK):
        fail(f"FATAL  Error: Unable to write to UUID file at {data}/uuid. EACCES")
    threading.Thread(target=app.watch, daemon=True).start()
    port = int(settings.get("server.port", 5601))
    log(f"[INFO ][http.server.Kibana] http server running at port {port}")
    serve(app, str(settings.get("server.host", "localhost")), port)


if __name__ == "__main__":
    main(sys.argv[1:])
