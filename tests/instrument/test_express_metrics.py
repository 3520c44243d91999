"""The metrics of real Express apps, 5 and 4: routes, failures, hang-ups, other shapes of apps."""

import re
import socket
import urllib.request
from pathlib import Path
from typing import NamedTuple

import pytest

from obsctl.catalog.load import load_catalog
from tests.instrument.conftest import StartApp
from tests.instrument.receivers import Envelopes
from tests.instrument.running import RunningApp, until
from tests.kit.ports import free_ports

TOTAL = "http_requests_total"
RANDOM_PATHS = 10_000


@pytest.fixture(scope="module", params=["express", "express4"])
def app(request: pytest.FixtureRequest, start_app: StartApp) -> RunningApp:
    return start_app("edges.cjs", EXPRESS=request.param)


def counts(app: RunningApp, port: int | None = None) -> dict[tuple[str, str], float]:
    """(route, status) -> requests, of what has happened."""
    found = {}
    for labels, value in app.samples(TOTAL, port).items():
        by_name = dict(labels)
        found[by_name["route"], by_name["status_code"]] = value
    return found


def routes(app: RunningApp) -> set[str]:
    return {route for route, _ in counts(app)}


@pytest.mark.parametrize(
    ("path", "route", "status"),
    [
        ("/ok", "/ok", "200"),
        ("/users/14", "/users/:id", "200"),
        ("/users/13", "/users/:id", "500"),  # thrown in a handler
        ("/a", "/a|/b/:z", "200"),
        ("/tenants/42/api/things", "/tenants/:tenant/api/things", "200"),
        ("/tenants/a%20b/api", "/tenants/:tenant/api", "200"),
        # Express forgets where a router was mounted once its handler has failed.
        ("/tenants/42/api/things/7", "/tenants/:tenant/api/things/:id", "500"),
        ("/admin/deep/2", "/admin/deep/:x", "200"),
        ("/admin/n/3/things/4", "/admin/n/:y/things/:id", "500"),
        ("/late", "/late", "500"),  # after the headers: the client has seen 200 and half a body
        ("/nowhere", "unmatched", "404"),
        ("/%E0%A4%A", "unmatched", "404"),
        ("/reported", "/reported", "200"),
    ],
)
def test_requests_count_under_their_pattern(
    app: RunningApp, path: str, route: str, status: str
) -> None:
    before = counts(app).get((route, status), 0)
    app.get(path)
    until(lambda: counts(app).get((route, status), 0) == before + 1, f"{route} {status}")


def test_abandoned_requests_are_no_errors_of_the_app(app: RunningApp) -> None:
    app.abandon("/hang")
    until(lambda: counts(app).get(("/hang", "499")) == 1, "a request without an answer")
    app.abandon("/stream")
    until(lambda: counts(app).get(("/stream", "200")) == 1, "an answer that had begun")
    assert counts(app)["/hang", "500"] == 0


def test_errors_begin_at_zero(start_app: StartApp) -> None:
    fresh = start_app("edges.cjs")
    first = counts(fresh)
    assert first["/users/:id", "500"] == 0
    assert first["unmatched", "500"] == 0
    fresh.get("/tenants/1/api/things")  # routers tell what they hold only once they are used
    assert counts(fresh)["/tenants/:tenant/api/things", "500"] == 0
    assert fresh.samples("app_cache_requests_total") == {
        frozenset({("result", "hit")}): 0,
        frozenset({("result", "miss")}): 0,
    }


def test_random_paths_add_at_most_one_route(app: RunningApp) -> None:
    before = routes(app)
    flood(app, [f"/r{n:x}/{n * 7919 % 10_007:x}" for n in range(RANDOM_PATHS)])
    after = routes(app)
    print(f"{RANDOM_PATHS} random paths: {len(before)} routes before, {len(after)} after")
    assert len(after - before) <= 1
    assert counts(app)["unmatched", "404"] >= RANDOM_PATHS


def test_mounts_by_pattern_are_bounded(start_app: StartApp) -> None:
    fresh = start_app("edges.cjs")
    flood(fresh, [f"/rx{n}/things" for n in range(1500)])
    assert len(routes(fresh)) <= 1000 + 20  # the limit, and what was there from the start


def flood(app: RunningApp, paths: list[str]) -> None:
    """One connection, many requests in flight."""
    with socket.create_connection(("127.0.0.1", app.port), timeout=30) as connection:
        stream = connection.makefile("rb")
        for begin in range(0, len(paths), 100):
            row = paths[begin : begin + 100]
            asked = "".join(f"HEAD {path} HTTP/1.1\r\nHost: x\r\n\r\n" for path in row)
            connection.sendall(asked.encode())
            answered = 0
            while answered < len(row):
                answered += stream.readline() == b"\r\n"


def test_durations_have_the_buckets_of_the_kind(app: RunningApp) -> None:
    buckets = app.samples("http_request_duration_seconds_bucket")
    bounds = {dict(labels)["le"] for labels in buckets}
    wanted = load_catalog(["express"]).kinds["express"].settings["duration_buckets"]
    assert isinstance(wanted, tuple)
    assert bounds == {*(f"{bound:g}" for bound in wanted if not isinstance(bound, str)), "+Inf"}
    app.get("/query")
    (asked,) = (v for k, v in app.samples("db_query_duration_seconds_count").items() if k)
    assert asked >= 1


def test_the_exposition_says_what_it_is(app: RunningApp) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{app.port}/metrics", timeout=10) as answer:
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"


def test_every_metric_of_the_kind_is_there(app: RunningApp) -> None:
    kind = load_catalog(["express"]).kinds["express"]
    plain = {name for name in kind.metrics if "[[" not in name}
    _, text = app.get("/metrics")
    there = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    assert plain - there == set()
    assert {TOTAL, "http_request_duration_seconds", "app_active_users"} <= there


def test_an_internal_port_serves_metrics_alone(start_app: StartApp) -> None:
    (port,) = free_ports(1)
    app = start_app("edges.cjs", METRICS_PORT=str(port))
    assert counts(app, port)["/ok", "500"] == 0  # the routes are known before any request
    assert app.get("/ok", port)[0] == 404
    app.get("/ok")
    assert counts(app, port)["/ok", "200"] == 1


def test_a_port_in_use_is_told_and_the_app_runs(start_app: StartApp) -> None:
    with socket.create_server(("", 0)) as taken:
        port = taken.getsockname()[1]
        app = start_app("edges.cjs", METRICS_PORT=str(port))
        assert app.get("/ok") == (200, "ok")
    assert app.text.count(f"metrics: no server on port {port}") == 1


def test_an_app_without_express_and_both_kinds_of_modules(start_app: StartApp) -> None:
    app = start_app("bare.mjs")
    assert app.get("/any/path") == (200, "plain")
    assert counts(app)["unmatched", "200"] == 1


def test_a_cluster_is_the_sum_of_its_workers(start_app: StartApp) -> None:
    (port,) = free_ports(1)
    app = start_app("workers.cjs", METRICS_PORT=str(port))
    for _ in range(20):
        assert app.get("/ok")[0] == 200
    until(lambda: counts(app, port).get(("/ok", "200")) == 20, "the sum of all workers")
    status, text = app.get("/metrics")
    assert status == 503
    assert "startMetricsServer" in text


class Form(NamedTuple):
    """How an app is started, with which Express, and how many of its requests are traced."""

    arguments: tuple[str, ...]
    express: str
    traces: str


_ESM = ("--import", "./instrument.cjs", "server.mjs")
FORMS = (
    Form(("server.js",), "express", "0"),
    Form(("server.js",), "express4", "1"),
    Form(_ESM, "express", "1"),
    Form(_ESM, "express4", "0"),
)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: f"{form.arguments[-1]}-{form.express}")
def test_the_lines_of_the_readme_make_an_app(
    form: Form, express_directory: Path, envelopes: Envelopes, start_app: StartApp
) -> None:
    readme = (express_directory / "README.md").read_text()
    commonjs, esm, both = re.findall(r"```js\n(.*?)```", readme, re.DOTALL)
    name = form.arguments[-1]
    block = (esm if name.endswith(".mjs") else commonjs) + both
    route = "app.get('/fails', () => { throw new Error('it fails'); });"
    block = block.replace("// your routes", route).replace("'express'", f"'{form.express}'")
    (express_directory / name).write_text(block)
    settings = {"SENTRY_DSN": envelopes.start(), "SENTRY_TRACES_SAMPLE_RATE": form.traces}
    app = start_app(*form.arguments, **settings)
    app.get("/fails")
    until(lambda: counts(app).get(("/fails", "500")) == 1, "the failed request is counted")
    assert '"GET /fails 500"' in app.text  # the log, on stdout without an address
    assert app.stop() == 0
    (event,) = envelopes.events  # an orderly end has sent it
    assert event["request"]["url"].endswith(f":{app.port}/fails")
