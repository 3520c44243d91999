"""The logger of a real Express app: what arrives, and what a slow or absent receiver does to it."""

import json
from typing import Any

from tests.instrument.conftest import StartApp
from tests.instrument.receivers import LineReceiver
from tests.instrument.running import RunningApp, until
from tests.kit.ports import free_ports

LIMIT = 300_000


def start(start_app: StartApp, port: int) -> RunningApp:
    address = f"127.0.0.1:{port}"
    return start_app("edges.cjs", LOG_ADDRESS=address, LOG_BUFFER_BYTES=str(LIMIT))


def stats(app: RunningApp) -> dict[str, Any]:
    status, text = app.get("/stats")
    assert status == 200
    found: dict[str, Any] = json.loads(text)
    return found


def test_lines_arrive_in_order_as_ecs_events(start_app: StartApp, lines: LineReceiver) -> None:
    app = start(start_app, lines.start())
    app.get("/log?trial=secret-7")
    until(lambda: "GET /log 200" in lines.messages(), "the request's own line")
    plain, circle, number, error, long = lines.lines[:5]
    assert plain["message"] == "a plain line"
    assert plain["service"] == {"name": "web", "environment": "trial"}
    assert plain["log"]["level"] == "info"
    assert plain["labels"] == {"trial": "secret-7"}
    assert plain["@timestamp"].endswith("Z")
    assert circle["message"] == "a circle"
    assert "cannot be written" in circle["labels"]["logger"]
    assert number["labels"] == {"n": "10"}
    assert error["error"]["type"] == "TypeError"
    assert "edges.cjs" in error["error"]["stack_trace"]
    assert long["message"].startswith("long x")
    assert len(long["message"]) < 65_536
    request = lines.lines[5]
    assert request["url"] == {"path": "/log"}  # the query may hold secrets
    assert request["http"]["response"]["status_code"] == 200
    assert request["event"]["duration"] > 0
    assert "not shown" not in lines.messages()


def test_a_request_whose_client_went_away_has_no_status_of_success(
    start_app: StartApp, lines: LineReceiver
) -> None:
    app = start(start_app, lines.start())
    app.abandon("/hang")
    until(lambda: "GET /hang 499" in lines.messages(), "the request's line")
    assert lines.lines[-1]["event"]["outcome"] == "failure"


def test_an_absent_receiver_costs_a_bounded_buffer(
    start_app: StartApp, lines: LineReceiver
) -> None:
    (lines.port,) = free_ports(1)
    app = start(start_app, lines.port)
    app.get("/flood?lines=5000")
    assert stats(app)["bufferedBytes"] <= LIMIT
    assert stats(app)["dropped"] > 0
    assert app.get("/ok") == (200, "ok")
    lines.start()
    until(lambda: any("were dropped" in m for m in lines.messages()), "the drops are told")
    assert lines.messages()[0].startswith("line 0 ")  # what came first was kept
    until(lambda: "connected again" in app.text, "the app tells that it is connected")
    assert app.text.count("no logs to") == 1  # once, however often it was tried


def test_a_receiver_that_reads_nothing_stops_nothing(
    start_app: StartApp, lines: LineReceiver
) -> None:
    lines.is_slow = True
    app = start(start_app, lines.start())
    for _ in range(8):
        assert app.get("/flood?lines=5000")[0] == 200
    until(lambda: stats(app)["dropped"] > 0, "lines beyond the buffer are dropped")
    assert stats(app)["bufferedBytes"] <= LIMIT
    assert app.stop() == 0  # an orderly end waits two seconds, and no longer


def test_lines_survive_a_restart_of_the_receiver(start_app: StartApp, lines: LineReceiver) -> None:
    app = start(start_app, lines.start())
    app.get("/flood?lines=10")
    until(lambda: len(lines.messages()) >= 10, "the first lines")
    lines.stop()
    app.get("/ok")
    app.get("/flood?lines=20")
    again = LineReceiver(lines.port)
    again.start()
    try:
        wanted = {f"line {n} {'y' * 200}" for n in range(20)}
        until(lambda: wanted <= set(again.messages()), "what was logged meanwhile")
    finally:
        again.stop()


def test_what_waits_is_sent_before_an_orderly_end(start_app: StartApp, lines: LineReceiver) -> None:
    app = start(start_app, lines.start())
    app.get("/flood?lines=500")
    assert app.stop() == 0
    until(lambda: f"line 499 {'y' * 200}" in lines.messages(), "the last line")


def test_an_address_that_is_none_is_told_and_lines_go_to_stdout(start_app: StartApp) -> None:
    app = start_app("edges.cjs", LOG_ADDRESS="nowhere")
    app.get("/log")
    until(lambda: '"message":"a plain line"' in app.text, "the line on stdout")
    assert app.text.count("LOG_ADDRESS is not of the form HOST:PORT") == 1
