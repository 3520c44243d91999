"""Fixed shapes of Grafana's answers."""

from __future__ import annotations

from typing import Any

from standin import HttpError, Response


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
