"""A marked line into each log input is found again in Elasticsearch, and deleted."""

import secrets
import time
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final

from obsctl.conventions import CANARY_LABEL
from obsctl.health.asking.again import attempts
from obsctl.health.asking.context import Context
from obsctl.health.asking.probe import Request
from obsctl.health.asking.run import Check
from obsctl.health.canaries.log_senders import SENDERS
from obsctl.health.findings.report import Finding

_LOG_S: Final = 30.0
_STREAMS: Final = "/logs-*-*"


def log_arrives(kind: str, context: Context) -> Iterator[Finding]:
    """One event into the input of this kind, where it is enabled."""
    logging = context.stack.logging
    ports = [entry.port for entry in logging.inputs if entry.kind == kind] if logging else []
    for port in ports:
        claim = context.claim("canaries", "logs", f"an event over {kind} is found in Elasticsearch")
        mark = secrets.token_hex(12)
        event = {"message": f"obsctl canary {mark}", "labels": {CANARY_LABEL: mark}}
        place = context.published("logstash", port)
        started = time.monotonic()
        try:
            SENDERS[kind](place, event)
        except OSError as error:
            told = f"{place[0]}:{place[1]}: {error.strerror or error}"
            yield claim.fail("canary-log-refused", told, port=port, kind=kind)
            continue
        query = {"query": {"match": {"message": mark}}}
        index = _found_in(context, query)
        took_s = time.monotonic() - started
        if index is None:
            told = f"sent to port {port} over {kind}, not found after {took_s:.0f} s"
            yield claim.fail("canary-log-lost", told)
        else:
            yield claim.ok(f"found after {took_s:.2f} s in {index}{_removed(context, query)}")


def _removed(context: Context, query: Mapping[str, Any]) -> str:
    gone = context.ask("elasticsearch", _post(f"{_STREAMS}/_delete_by_query?refresh=true", query))
    return "" if gone.json().get("deleted") else "; it could not be deleted again"


def _found_in(context: Context, query: Mapping[str, Any]) -> str | None:
    for _ in attempts(context):
        # A search sees what was written before the last refresh only.
        context.ask("elasticsearch", _post(f"{_STREAMS}/_refresh", None))
        answer = context.ask("elasticsearch", _post(f"{_STREAMS}/_search", query)).json()
        hits = (answer.get("hits") or {}).get("hits") or ()
        if hits:
            return str(hits[0]["_index"])
    return None


def _post(path: str, body: object) -> Request:
    return Request(path, "POST", body)


LOG_CHECKS: Final = tuple(
    Check(
        "canaries",
        "logs",
        f"an event over {kind} is found again",
        partial(log_arrives, kind),
        ("logstash", "elasticsearch"),
        _LOG_S,
    )
    for kind in SENDERS
)
