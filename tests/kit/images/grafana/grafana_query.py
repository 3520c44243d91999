"""What the Grafana stand-in asks of data sources: their health and POST /api/ds/query."""

from __future__ import annotations

import json
import math
import re
import ssl
import time
from typing import Any
from urllib.parse import urlencode

from grafana_provisioning import Datasource
from standin_http import UnreachableError, call, decoded
from standin_tls import trusting

Json = Any

OK = 200
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
DURATION = re.compile(r"(\d+)(ms|[smhdw])")


class QueryError(Exception):
    """A data source that answered with an error, or not at all."""


def seconds(text: str) -> float:
    """Return `1m30s` in seconds."""
    parts = DURATION.findall(text)
    return sum(int(n) * (0.001 if unit == "ms" else UNITS[unit]) for n, unit in parts)


def parse_time(text: str | int, now: float) -> float:
    """Return `now-5m`, or milliseconds since the epoch, as seconds since the epoch."""
    value = str(text)
    if value.startswith("now"):
        sign = -1 if value[3:4] == "-" else 1
        return now + sign * seconds(value[4:])
    return float(value) / 1000


def login(source: Datasource) -> tuple[str, str] | None:
    """Return (user, password) that a data source is asked with."""
    if not source.get("basicAuth"):
        return None
    secret = (source.get("secureJsonData") or {}).get("basicAuthPassword", "")
    return source.get("basicAuthUser", ""), secret


def trust(source: Datasource) -> ssl.SSLContext | None:
    """Return whom a data source's own settings trust; raise QueryError for what is no PEM."""
    if not (source.get("jsonData") or {}).get("tlsAuthWithCACert"):
        return None
    try:
        return trusting(pem=(source.get("secureJsonData") or {}).get("tlsCACert", ""))
    except (ssl.SSLError, ValueError) as error:
        raise QueryError("error parsing tls CA certificate") from error


def fetch(source: Datasource, method: str, path: str, body: Json = None) -> Json:
    """Return the JSON that a data source answers; raise QueryError with its reason."""
    form = isinstance(body, str)
    kind = "application/x-www-form-urlencoded" if form else "application/json"
    data = body if form or body is None else json.dumps(body)
    url = str(source.get("url", "")).rstrip("/") + path
    try:
        status, answer = call(
            method,
            url,
            data,
            headers={"Content-Type": kind},
            auth=login(source),
            timeout=15,
            trust=trust(source),
        )
    except UnreachableError as error:
        raise QueryError(str(error)) from error
    result = decoded(answer)
    if status != OK:
        reason = result.get("error", result) if isinstance(result, dict) else answer.decode()[:200]
        raise QueryError(f"{status} - {reason}")
    return result


def health(source: Datasource) -> str:
    """Return the message of a healthy data source; raise QueryError with that of a sick one."""
    if source["type"] == "prometheus":
        fetch(source, "POST", "/api/v1/query", urlencode({"query": "1+1"}))
        return "Successfully queried the Prometheus API."
    fetch(source, "GET", "/")
    cluster = fetch(source, "GET", "/_cluster/health?wait_for_status=yellow&timeout=5s")
    if cluster.get("status") == "red":
        raise QueryError("Health check failed: Elasticsearch data source is not healthy")
    index = (source.get("jsonData") or {}).get("index") or source.get("database") or ""
    message = "Elasticsearch data source is healthy."
    try:
        fetch(source, "GET", f"/{index}/_search?size=0")
        streams = fetch(source, "GET", f"/_data_stream/{index}").get("data_streams")
    except QueryError as error:
        return f"{message} Warning: {error}"
    return message if streams else f"{message} Warning: No index found for {index}"


def interpolate(expr: str, source: Datasource, step: float, span: float) -> str:
    """Replace Grafana's own interval variables in a PromQL expression."""
    scrape = seconds((source.get("jsonData") or {}).get("timeInterval") or "15s")
    rate = max(step + scrape, 4 * scrape)
    values = {"rate_interval": rate, "interval": step, "range": span}
    for name, value in values.items():
        expr = re.sub(rf"\$__{name}\b|\$\{{__{name}\}}", f"{max(1, round(value))}s", expr)
    return expr


def number(text: str) -> float | None:
    """Return a sample's value; JSON has no NaN or infinity, so those are null."""
    value = float(text)
    return value if math.isfinite(value) else None


def frame(
    ref_id: str, labels: dict[str, str], samples: list[Any], kind: str, query: str
) -> dict[str, Any]:
    """Return one data frame; samples are [seconds, "value"] pairs."""
    name = labels.get("__name__", "Value")
    shown = {key: value for key, value in labels.items() if key != "__name__"}
    meta = {"type": kind, "typeVersion": [0, 1], "executedQueryString": f"Expr: {query}"}
    time_field = {"name": "Time", "type": "time", "typeInfo": {"frame": "time.Time"}}
    value_field = {"name": name, "type": "number", "typeInfo": {"frame": "float64"}}
    fields: list[dict[str, Any]] = [time_field, {**value_field, "labels": shown}]
    values = [[round(at * 1000) for at, _ in samples], [number(v) for _, v in samples]]
    schema = {"refId": ref_id, "meta": meta, "fields": fields}
    return {"schema": schema, "data": {"values": values}}


def query_prometheus(
    source: Datasource, query: dict[str, Any], start: float, end: float
) -> list[dict[str, Any]]:
    """Run one instant or range query for real; return its frames."""
    ref_id = query.get("refId", "A")
    step = max(1.0, query.get("intervalMs", 15000) / 1000)
    expr = interpolate(str(query.get("expr", "")), source, step, end - start)
    if query.get("instant") and not query.get("range"):
        arguments = {"query": expr, "time": end}
        data = fetch(source, "POST", "/api/v1/query", urlencode(arguments))["data"]
    else:
        arguments = {"query": expr, "start": start, "end": end, "step": step}
        data = fetch(source, "POST", "/api/v1/query_range", urlencode(arguments))["data"]
    if data["resultType"] == "scalar":
        return [frame(ref_id, {}, [data["result"]], "numeric-multi", expr)]
    kind = "timeseries-multi" if data["resultType"] == "matrix" else "numeric-multi"
    return [
        frame(ref_id, series["metric"], series.get("values") or [series["value"]], kind, expr)
        for series in data["result"]
    ]


def query_elasticsearch(
    source: Datasource, query: dict[str, Any], start: float, end: float
) -> list[dict[str, Any]]:
    """Count the documents of a Lucene query in the range; one frame with one value."""
    json_data = source.get("jsonData") or {}
    field = json_data.get("timeField", "@timestamp")
    span = {"gte": round(start * 1000), "lte": round(end * 1000), "format": "epoch_millis"}
    filters: list[dict[str, Any]] = [{"range": {field: span}}]
    if query.get("query"):
        filters.append({"query_string": {"query": query["query"], "analyze_wildcard": True}})
    body = {"size": 0, "track_total_hits": True, "query": {"bool": {"filter": filters}}}
    found = fetch(source, "POST", f"/{json_data.get('index', '*')}/_search", body)
    count = found["hits"]["total"]["value"]
    text = query.get("query", "")
    return [frame(query.get("refId", "A"), {}, [[end, str(count)]], "timeseries-multi", text)]


def run_query(source: Datasource, query: dict[str, Any], span: tuple[Any, Any]) -> dict[str, Any]:
    """Return one entry of the `results` of /api/ds/query."""
    now = time.time()
    start, end = parse_time(span[0], now), parse_time(span[1], now)
    runner = {"prometheus": query_prometheus, "elasticsearch": query_elasticsearch}
    if source["type"] not in runner:
        return {"status": 404, "error": "Plugin not found", "frames": []}
    try:
        return {"status": OK, "frames": runner[source["type"]](source, query, start, end)}
    except QueryError as error:
        return {"status": 400, "error": str(error), "errorSource": "downstream", "frames": []}
