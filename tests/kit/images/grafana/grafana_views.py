"""Fixed shapes of Grafana's answers."""

from __future__ import annotations

import time
from typing import Any

from grafana_settings import VERSION
from standin import HttpError, Response

STARTED = time.time()


def metrics_text(dashboards: int, datasources: int) -> str:
    """Return Grafana's own metrics, the few that are looked at."""
    lines = [
        f'grafana_build_info{{edition="oss",version="{VERSION}"}} 1',
        f"grafana_stat_totals_dashboard {dashboards}",
        f"grafana_stat_totals_datasource {datasources}",
        "grafana_stat_total_users 1",
        f"process_start_time_seconds {STARTED:.2f}",
    ]
    return "\n".join(lines) + "\n"


def unauthorized(message: str, message_id: str) -> HttpError:
    """Return the 401 that Grafana answers."""
    body = {"message": message, "messageId": message_id, "statusCode": 401, "traceID": ""}
    return HttpError(401, {"extra": None, **body})


def html(title: str) -> Response:
    """Return an empty page."""
    page = f"<!DOCTYPE html><title>{title}</title>"
    return Response(200, page, {"Content-Type": "text/html; charset=UTF-8"})


def dashboard_hit(body: dict[str, Any], meta: dict[str, Any]) -> dict[str, Any]:
    """Return a dashboard as /api/search lists it."""
    place = {key: meta[key] for key in ("folderUid", "folderTitle")} if meta["folderUid"] else {}
    return {
        "id": body["id"],
        "uid": body["uid"],
        "title": body["title"],
        "uri": f"db/{meta['slug']}",
        "url": meta["url"],
        "type": "dash-db",
        "tags": body.get("tags") or [],
        "isStarred": False,
        **place,
    }
