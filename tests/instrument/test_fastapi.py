"""The same guarantees for a real FastAPI app under uvicorn: metrics, errors, logs."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.instrument.conftest import end
from tests.instrument.receivers import Envelopes, LineReceiver
from tests.instrument.running import RunningApp, start, until
from tests.kit.ports import free_ports

# The README's lines, and routes of every kind.
APP = """\
import asyncio
import logging

from error_reporter import init_error_tracking, report_error, report_message

init_error_tracking()

from app_metrics import instrument, start_metrics_server, transactions_total
from ecs_logging import setup_logging
from fastapi import APIRouter, FastAPI, HTTPException
from fastapi.responses import StreamingResponse

setup_logging()
app = FastAPI()
instrument(app)
router, sub = APIRouter(), FastAPI()


@app.get("/ok")
def ok():
    transactions_total.labels("sale").inc()
    return "ok"


@app.get("/health")
def health():
    return "ok"


@app.get("/slow")
async def slow():
    await asyncio.sleep(0.5)
    return "slow"


@app.get("/users/{user}")
def user(user: int):
    if user == 13:
        raise RuntimeError("no user 13")
    if user == 14:
        raise HTTPException(503)
    return user


@app.get("/late")
def late():
    def body():
        yield "begun"
        raise RuntimeError("too late")

    return StreamingResponse(body())


@app.get("/reported")
def reported():
    return report_error(ValueError("by hand"), {"order": 7}), report_message("told", "nonsense")


@app.get("/log")
def log():
    logging.info("a plain line", extra={"ecs": {"labels": {"trial": "7"}}})
    logging.info("a wrong %d", "argument")
    try:
        raise TypeError("of some type")
    except TypeError:
        logging.exception("an error")


@app.get("/flood")
def flood(lines: int):
    for n in range(lines):
        logging.info("line %d %s", n, "y" * 200)
    handler = logging.getLogger().handlers[0]
    return {"bytes": handler.buffered_bytes, "dropped": handler.dropped}


@router.get("/things/{thing}")
def thing(thing: str):
    return thing


@app.get("/second")
def second(port: int):
    return start_metrics_server(port, "127.0.0.1")


@sub.get("/deep/{x}")
def deep(x: str):
    return x


app.include_router(router, prefix="/shop")
app.mount("/mounted/{tenant}", sub)
"""
LIMIT = 300_000


class Starter:
    def __init__(self, python: Path, directory: Path) -> None:
        self.python, self.directory = python, directory
        self.apps: list[RunningApp] = []

    def __call__(self, **environment: str) -> RunningApp:
        (port,) = free_ports(1)
        command = [str(self.python), "-m", "uvicorn", "app:app", "--port", str(port)]
        app = start(command, self.directory, port, {"LOG_ADDRESS": "none"} | environment)
        self.apps.append(app)
        return app


@pytest.fixture(scope="module")
def start_fast(interpreter: Path, fastapi_directory: Path) -> Iterator[Starter]:
    (fastapi_directory / "app.py").write_text(APP)
    starter = Starter(interpreter, fastapi_directory)
    yield starter
    for app in starter.apps:
        end(app)


@pytest.fixture(scope="module")
def app(start_fast: Starter) -> RunningApp:
    return start_fast()


def counts(app: RunningApp, port: int | None = None) -> dict[tuple[str, str], float]:
    found = {}
    for labels, value in app.samples("http_requests_total", port).items():
        by_name = dict(labels)
        found[by_name["handler"], by_name["status"]] = value
    return found


@pytest.mark.parametrize(
    ("path", "route", "status"),
    [
        ("/ok", "/ok", "200"),
        ("/users/1", "/users/{user}", "200"),
        ("/users/x", "/users/{user}", "422"),
        ("/users/13", "/users/{user}", "500"),
        ("/users/14", "/users/{user}", "503"),
        ("/late", "/late", "500"),
        ("/shop/things/9", "/shop/things/{thing}", "200"),
        ("/mounted/42/deep/3", "/mounted/{tenant}/deep/{x}", "200"),
        ("/metrics", "/metrics", "200"),
        ("/nowhere", "none", "404"),
        ("/mounted/42/nowhere", "none", "404"),
    ],
)
def test_requests_count_under_their_pattern(
    app: RunningApp, path: str, route: str, status: str
) -> None:
    before = counts(app).get((route, status), 0)
    app.get(path)
    until(lambda: counts(app).get((route, status), 0) >= before + 1, f"{route} {status}")


def test_errors_begin_at_zero_and_random_paths_add_one_route(start_fast: Starter) -> None:
    fresh = start_fast()
    assert counts(fresh)["/users/{user}", "500"] == 0
    before = {route for route, _ in counts(fresh)}
    for n in range(300):
        fresh.get(f"/random/{n}")
    after = {route for route, _ in counts(fresh)}
    assert len(after - before) <= 1
    assert fresh.samples("app_transactions_total") == {}


def test_a_request_whose_client_went_away_is_counted_once(app: RunningApp) -> None:
    app.abandon("/slow")
    until(lambda: counts(app).get(("/slow", "200")) == 1, "the request that was answered to nobody")
    assert counts(app)["/slow", "500"] == 0


def test_health_checks_are_not_in_the_percentiles_of_the_app(start_fast: Starter) -> None:
    fresh = start_fast()
    name = "http_request_duration_highr_seconds_count"
    for path in ("/health", "/ok", "/health"):
        fresh.get(path)
    assert list(fresh.samples(name).values()) == [1]
    assert sum(fresh.samples("http_response_size_bytes_count").values()) >= 3
    _, text = fresh.get("/metrics")
    assert "_created" not in text


def test_a_port_in_use_is_told_and_the_app_runs(app: RunningApp) -> None:
    (port,) = free_ports(1)
    assert app.get(f"/second?port={port}") == (200, "true")
    assert counts(app, port)
    assert app.get(f"/second?port={port}") == (200, "false")
    assert f"metrics: no server on port {port}" in app.text


@pytest.mark.parametrize("dsn", ["", "hunter2", "https://hunter2@tracker.example.com/project"])
def test_without_a_usable_dsn_the_app_starts_and_says_so_once(
    dsn: str, start_fast: Starter
) -> None:
    fresh = start_fast(SENTRY_DSN=dsn)
    assert fresh.get("/reported")[0] == 200
    assert fresh.get("/users/13")[0] == 500
    assert fresh.text.count("error tracking: off") == 1
    assert "hunter2" not in fresh.text


def test_errors_arrive_at_the_tracker(envelopes: Envelopes, start_fast: Starter) -> None:
    fresh = start_fast(SENTRY_DSN=envelopes.start())
    assert fresh.get("/users/13")[0] == 500
    assert fresh.get("/reported")[0] == 200

    def values() -> list[object]:
        return [e["exception"]["values"][-1]["value"] for e in envelopes.events if "exception" in e]

    until(lambda: {"no user 13", "by hand"} <= set(values()), "both errors")
    assert values().count("no user 13") == 1
    assert {event["environment"] for event in envelopes.events} == {"trial"}
    assert {event["tags"]["service"] for event in envelopes.events} == {"api"}


def test_lines_arrive_as_ecs_events(lines: LineReceiver, start_fast: Starter) -> None:
    fresh = start_fast(LOG_ADDRESS=f"127.0.0.1:{lines.start()}")
    fresh.get("/log")
    until(lambda: "an error" in lines.messages(), "the lines")
    by_message = {line["message"]: line for line in lines.lines}
    plain = by_message["a plain line"]
    assert plain["service"] == {"name": "api", "environment": "trial"}
    assert plain["log"]["level"] == "info"
    assert plain["labels"] == {"trial": "7"}
    assert "cannot be written" in by_message["a wrong %d"]["labels"]["logger"]
    assert by_message["an error"]["error"]["type"] == "TypeError"


@pytest.mark.parametrize("is_slow", [False, True])
def test_an_absent_or_slow_receiver_costs_a_bounded_buffer(
    is_slow: bool,  # noqa: FBT001 - a parameter of the test
    lines: LineReceiver,
    start_fast: Starter,
) -> None:
    lines.is_slow = is_slow
    (lines.port,) = free_ports(1)
    if is_slow:
        lines.start()
    fresh = start_fast(LOG_ADDRESS=f"127.0.0.1:{lines.port}", LOG_BUFFER_BYTES=str(LIMIT))
    answers = [fresh.get("/flood?lines=5000") for _ in range(6)]
    assert {status for status, _ in answers} == {200}
    told = answers[-1][1]
    found = re.fullmatch(r'\{"bytes":(\d+),"dropped":(\d+)\}', told)
    assert found, told
    assert int(found[1]) <= LIMIT
    assert int(found[2]) > 0
    if not is_slow:
        lines.start()
        until(lambda: any("were dropped" in m for m in lines.messages()), "the drops are told")


def test_several_workers_are_summed(
    interpreter: Path, fastapi_directory: Path, tmp_path: Path
) -> None:
    """Two processes that write to one directory, as uvicorn's workers do."""
    script = (
        "from app_metrics import http_requests_total as t, metrics_endpoint; import sys\n"
        "t.labels('GET', '/x', '200').inc(3)\n"
        "if len(sys.argv) > 1: print(metrics_endpoint(None).body.decode())\n"
    )
    (tmp_path / "shared").mkdir()
    environment = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "shared")}
    command = [str(interpreter), "-c", script]
    said = [
        subprocess.run(
            [*command, *more],
            cwd=fastapi_directory,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for more in ([], ["show"])
    ]
    assert 'http_requests_total{handler="/x",method="GET",status="200"} 6.0' in said[1]
