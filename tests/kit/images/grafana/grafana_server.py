"""The Grafana stand-in: its HTTP API over provisioned data sources and dashboards."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

from grafana_dashboards import Dashboards
from grafana_metrics import HANDLERS, Requests, metrics_text
from grafana_provisioning import Datasource, ProvisioningError, load_datasources, public_view
from grafana_query import QueryError, health, login, run_query, trust
from grafana_settings import VERSION, Database, Settings, SettingsError
from grafana_views import dashboard_hit, html, unauthorized
from standin import PROMETHEUS_TEXT, App, Faults, HttpError, Request, Response, fail, log, serve
from standin_http import UnreachableError, call

OPEN_PATHS = {"/api/health", "/metrics", "/login", "/robots.txt"}
ADMIN = {"id": 1, "login": "admin", "orgId": 1, "isGrafanaAdmin": True, "isDisabled": False}


class Grafana(App):
    """State and routes; `load` provisions as a start does."""

    def __init__(self, settings: Settings, faults: Faults | None = None) -> None:
        super().__init__(faults)
        self.settings = settings
        self.database = Database(settings.data)
        self.dashboards = Dashboards(settings.provisioning)
        self.datasources: list[Datasource] = []
        self.requests = Requests(HANDLERS)
        self._routes()

    def _routes(self) -> None:
        for methods, pattern, handler in (
            ("GET", "/api/health", self.health),
            ("GET", "/metrics", self.metrics),
            ("GET", "/login", lambda _: html("Grafana")),
            ("GET", "/", lambda _: html("Grafana")),
            ("GET", "/api/search", self.search),
            ("GET", "/api/dashboards/uid/{uid}", self.dashboard),
            ("GET", "/api/dashboards/home", self.home),
            ("GET", "/api/datasources", self.list_datasources),
            ("GET", "/api/datasources/uid/{uid}", self.get_datasource),
            ("GET", "/api/datasources/name/{name}", self.get_datasource),
            ("GET", "/api/datasources/uid/{uid}/health", self.datasource_health),
            ("GET|POST", "/api/datasources/proxy/uid/{uid}/{path*}", self.proxy),
            ("POST", "/api/ds/query", self.query),
            ("POST", "/api/admin/provisioning/{kind}/reload", self.reload),
            ("GET", "/api/plugins/{id}/settings", self.plugin),
            ("PUT", "/api/user/password", self.change_own_password),
            ("PUT", "/api/admin/users/1/password", self.change_password),
            ("GET", "/api/user", lambda _: Response(200, self.admin())),
            ("GET", "/api/org", lambda _: Response(200, {"id": 1, "name": "Main Org."})),
            ("GET", "/api/admin/stats", self.stats),
        ):
            self.route(methods, pattern, handler)

    def load(self) -> None:
        """Provision everything; raise ProvisioningError."""
        self.database.initialise(self.settings.admin_user, self.settings.admin_password)
        self.load_datasources()
        self.dashboards.reload()

    def load_datasources(self) -> None:
        """Provision the data sources and store them; raise ProvisioningError."""
        folder = self.settings.provisioning
        self.datasources = load_datasources(folder, self.database.datasources)
        self.database.datasources = self.datasources

    def handle(self, request: Request) -> Response:
        """Answer one request and measure it."""
        return self.requests.measure(request, super().handle)

    def before(self, request: Request) -> Request:
        """Ask for basic auth everywhere but on the open paths."""
        if request.path in OPEN_PATHS:
            return request
        given = request.basic()
        if given is None and request.path == "/":
            raise HttpError(302, "", {"Location": "/login"})
        if given is None:
            raise unauthorized("Unauthorized", "auth.unauthorized")
        if "refuse-password" in self.faults or not self.database.accepts(*given):
            raise unauthorized("Invalid username or password", "password-auth.failed")
        return request

    def admin(self) -> dict[str, Any]:
        """Return the one user there is."""
        return {**ADMIN, "login": self.database.read()["admin"]["user"]}

    def health(self, _: Request) -> Response:
        """Answer the unauthenticated health check."""
        sick = "unhealthy" in self.faults
        body = {"database": "failing" if sick else "ok", "version": VERSION, "commit": "standin"}
        return Response(503 if sick else 200, body)

    def metrics(self, _: Request) -> Response:
        """Answer Grafana's own metrics, the few that are looked at."""
        text = metrics_text(len(self.dashboards.by_uid), len(self.datasources), self.requests)
        return Response(200, text, {"Content-Type": PROMETHEUS_TEXT})

    def search(self, request: Request) -> Response:
        """List dashboards (and folders) as search hits."""
        kind, text = request.arg("type"), request.arg("query").lower()
        entries = [(e["dashboard"], e["meta"]) for e in self.dashboards.by_uid.values()]
        hits = [dashboard_hit(*entry) for entry in entries] if kind != "dash-folder" else []
        if kind != "dash-db":
            folders = {m["folderUid"]: m["folderTitle"] for _, m in entries if m["folderUid"]}
            hits += [{"uid": u, "title": t, "type": "dash-folder"} for u, t in folders.items()]
        wanted = set(request.query.get("tag", []))
        hits = [h for h in hits if text in h["title"].lower() and wanted <= set(h.get("tags", []))]
        return Response(200, sorted(hits, key=lambda hit: str(hit["title"]).lower()))

    def dashboard(self, request: Request) -> Response:
        """Return one dashboard by uid."""
        entry = self.dashboards.by_uid.get(request.params["uid"])
        return Response(200, entry) if entry else Response(404, {"message": "Dashboard not found"})

    def home(self, _: Request) -> Response:
        """Return the home dashboard that the settings name."""
        path = Path(self.settings.home_dashboard)
        if not self.settings.home_dashboard or not path.is_file():
            return Response(200, {"meta": {"isHome": True}, "dashboard": {"title": "Home"}})
        body = json.loads(path.read_text("utf-8"))
        return Response(200, {"meta": {"isHome": True}, "dashboard": body})

    def find(self, request: Request) -> Datasource:
        """Return the data source that the path names; raise HttpError 404."""
        key, wanted = next(iter(request.params.items()))
        for source in self.datasources:
            if source[key] == wanted:
                return source
        raise HttpError(404, {"message": "Data source not found"})

    def list_datasources(self, _: Request) -> Response:
        """List all data sources."""
        return Response(200, [public_view(source) for source in self.datasources])

    def get_datasource(self, request: Request) -> Response:
        """Return one data source by uid or name."""
        return Response(200, public_view(self.find(request)))

    def runs(self, kind: str) -> bool:
        """Tell whether the backend of a data source type is there."""
        return kind == "prometheus" or (kind == "elasticsearch" and self.settings.plugin_runs)

    def datasource_health(self, request: Request) -> Response:
        """Ask the data source itself; types without a backend have no health check."""
        source = self.find(request)
        if not self.runs(source["type"]):
            body = {"message": "Plugin not found", "messageId": "plugin.notRegistered"}
            return Response(404, {**body, "statusCode": 404, "traceID": ""})
        try:
            return Response(200, {"message": health(source), "status": "OK"})
        except QueryError as error:
            return Response(400, {"message": str(error), "status": "ERROR"})

    def proxy(self, request: Request) -> Response:
        """Pass a request on to a data source."""
        source = self.find(request)
        url = f"{str(source['url']).rstrip('/')}/{request.params['path']}"
        pairs = [f"{key}={value}" for key, values in request.query.items() for value in values]
        full = f"{url}?{'&'.join(pairs)}" if pairs else url
        try:
            status, body = call(
                request.method,
                full,
                request.body or None,
                auth=login(source),
                trust=trust(source),
            )
        except (UnreachableError, QueryError) as error:
            return Response(502, {"message": str(error)})
        return Response(status, body, {"Content-Type": "application/json"})

    def query(self, request: Request) -> Response:
        """Run the queries of a panel for real."""
        body, results = request.json(), {}
        span = (body.get("from", "now-1h"), body.get("to", "now"))
        for query in body.get("queries") or []:
            reference = query.get("datasource") or {}
            key = "uid" if "uid" in reference else "id"
            matching = [s for s in self.datasources if s[key] == reference.get(key)]
            if not matching:
                return Response(404, {"message": "Data source not found"})
            if not self.runs(matching[0]["type"]):
                return Response(404, {"message": "Plugin not found"})
            results[query.get("refId", "A")] = run_query(matching[0], query, span)
        if not results:
            return Response(400, {"message": "No queries found"})
        failed = any("error" in result for result in results.values())
        return Response(400 if failed else 200, {"results": results})

    def reload(self, request: Request) -> Response:
        """Provision again on request."""
        kind = request.params["kind"]
        if "deaf" in self.faults:
            return Response(200, {"message": f"{kind.capitalize()} config reloaded"})
        actions = {"datasources": self.load_datasources, "dashboards": self.dashboards.reload}
        try:
            actions.get(kind, lambda: None)()
        except ProvisioningError as error:
            log(f"logger=provisioning level=error error={str(error)!r}")
            return Response(500, {"message": str(error)})
        return Response(200, {"message": f"{kind.capitalize()} config reloaded"})

    def plugin(self, request: Request) -> Response:
        """Tell whether a data source plugin is installed and running."""
        name = request.params["id"]
        if self.runs(name):
            return Response(200, {"id": name, "type": "datasource", "enabled": True})
        return Response(404, {"message": "Plugin not found, no installed plugin with that id"})

    def change_own_password(self, request: Request) -> Response:
        """Change the caller's password, given the old one."""
        body = request.json()
        if not self.database.accepts(self.admin()["login"], str(body.get("oldPassword"))):
            return Response(401, {"message": "Invalid old password"})
        return self._set_password(body.get("newPassword"), "User password changed")

    def change_password(self, request: Request) -> Response:
        """Set a password as the server's admin."""
        return self._set_password(request.json().get("password"), "User password updated")

    def _set_password(self, password: object, done: str) -> Response:
        if not isinstance(password, str) or len(password) < 4:
            return Response(400, {"message": "New password is too short"})
        self.database.set_password(password)
        return Response(200, {"message": done})

    def stats(self, _: Request) -> Response:
        """Return a few counts."""
        counts = {"dashboards": len(self.dashboards.by_uid), "datasources": len(self.datasources)}
        return Response(200, {**counts, "users": 1, "orgs": 1, "admins": 1})


def main() -> None:
    """Start as /run.sh does."""
    try:
        settings = Settings.read(os.environ)
        if not os.access(settings.data, os.W_OK):
            fail(f"GF_PATHS_DATA='{settings.data}' is not writable.")
        app = Grafana(settings, Faults.from_environment())
        app.load()
    except (SettingsError, ProvisioningError) as error:
        fail(str(error))
    threading.Thread(target=app.dashboards.poll_forever, daemon=True).start()
    log(f"logger=http.server level=info msg='HTTP Server Listen' address={settings.port}")
    serve(app, settings.host, settings.port)


if __name__ == "__main__":
    main()
