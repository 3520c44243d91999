"""Where a person lands who clicks in a notification: dashboards, runbooks, Explore."""

import hashlib
import json
import zlib
from typing import Final
from urllib.parse import quote

from obsctl.project.schema import Project
from obsctl.stack.prometheus import page_url

STACK_UID: Final = "obsctl-stack"
LOGS_UID: Final = "obsctl-logs"
SLO_UID: Final = "obsctl-slo"
RUNBOOKS_UID: Final = "obsctl-runbooks"
# Uids that are taken, so that a service called `logs` gets another one.
_OWN_NAMES: Final = frozenset({"home", "stack", "logs", "slo", "runbooks"})
_UID_MAX: Final = 40  # Grafana's limit


def service_uid(service: str) -> str:
    """The fixed uid of a service's dashboard."""
    uid = f"obsctl-service-{service}" if service in _OWN_NAMES else f"obsctl-{service}"
    if len(uid) <= _UID_MAX:
        return uid
    digest = hashlib.sha256(service.encode()).hexdigest()[:8]
    return f"{uid[: _UID_MAX - 9]}-{digest}"


def panel_id(alert: str) -> int:
    """A runbook's panel: the same whatever other alerts there are."""
    return zlib.crc32(alert.encode()) & 0x3FFFFFFF


def _issues(project: Project) -> str | None:
    """The tracker's list of open issues, of all services; the user's own Sentry has to say it."""
    errors = project.errors
    if errors and errors.bugsink:
        return f"{page_url(project, errors.bugsink)}/issues/"
    return errors.sentry.url if errors and errors.sentry else None


class Links:
    """Absolute URLs of the stack's pages: the public ones, else those of the Docker host."""

    def __init__(self, project: Project) -> None:
        without = project.stack.without
        self.prometheus = page_url(project, project.stack.prometheus)
        self.alertmanager = page_url(project, project.stack.alertmanager)
        self.grafana = None if "grafana" in without else page_url(project, project.stack.grafana)
        self.issues = _issues(project)
        has_logs = "elk" not in without
        self.has_logs = has_logs
        self.kibana = (
            page_url(project, project.stack.kibana)
            if has_logs and "kibana" not in without
            else None
        )

    def dashboard(self, uid: str) -> str:
        """Without Grafana there is Prometheus's own page of alerts."""
        return f"{self.grafana}/d/{uid}" if self.grafana else f"{self.prometheus}/alerts"

    def runbook(self, alert: str) -> str:
        """The alert's panel on the dashboard of runbooks: a page a browser can open.

        stack/runbooks/ holds the same text as files, but no URL leads there. Without Grafana
        it is Prometheus's page of alerts, reduced to this one, with its description.
        """
        if self.grafana:
            return f"{self.grafana}/d/{RUNBOOKS_UID}?viewPanel=panel-{panel_id(alert)}"
        return f"{self.prometheus}/alerts?search={alert}"

    def logs(self, service: str) -> str | None:
        """Kibana's Discover on the service's events, else Grafana's dashboard of logs."""
        if self.kibana:
            query = quote(f'service.name : "{service}"')
            state = f"(query:(language:kuery,query:'{query}'))"
            return f"{self.kibana}/app/discover#/?_a={state}"
        if self.grafana and self.has_logs:
            return f"/d/{LOGS_UID}?var-service={quote(service)}"
        return None

    @staticmethod
    def explore(datasource: str, expr: str) -> str:
        """Grafana's Explore with a query, relative to Grafana."""
        panes = {"a": {"datasource": datasource, "queries": [{"refId": "A", "expr": expr}]}}
        return f"/explore?schemaVersion=1&panes={quote(json.dumps(panes, separators=(',', ':')))}"
