"""Components that answer otherwise than they should, or not at all: each its own cause.

What answers is a few lines of Python here: only what `check` makes of it is under test.
"""

import json
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from obsctl.errors import EngineError, Problem
from obsctl.health.asking.container_state import ContainerState
from obsctl.health.asking.context import Context
from obsctl.health.asking.run import Check, run_checks
from obsctl.health.canaries import delivery
from obsctl.health.canaries.alert_canary import ALERT_CHECKS
from obsctl.health.canaries.error_canary import ERROR_CHECKS
from obsctl.health.canaries.sink_canary import SINK_CHECKS
from obsctl.health.findings.report import Finding
from obsctl.health.registry import CHECKS
from obsctl.rotation import kibana
from obsctl.stack.error_model import ErrorProject, ErrorTracking
from obsctl.stack.model import Datasource, Logging
from tests.engine.health_lab import bare_stack, causes
from tests.engine.project import free_port

Answers = Mapping[str, tuple[int, object]]
READY = {"/-/ready": (200, "ok")}
GRAFANA = {"/api/health": (200, {"database": "ok", "version": "13"}), "/api/org": (200, {})}


@contextmanager
def serving(answers: Answers) -> Iterator[str]:
    """The URL of a server with an answer for each path; `*` is the answer for all others."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            missing = answers.get("*", (404, {}))
            status, body = answers.get(self.path.partition("?")[0], missing)
            text = body if isinstance(body, str) else json.dumps(body)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.do_GET()

        def log_message(self, *_arguments: object) -> None:
            """Say nothing: the test tells what matters."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def no_engine() -> tuple[ContainerState, ...]:
    raise EngineError(Problem("no Engine"))


@pytest.fixture
def context(tmp_path: Path) -> Context:
    for name in ("grafana_admin_password", "elastic_password"):
        (tmp_path / name).write_text("secret")
    source = Datasource("obsctl-prometheus", "Prometheus", "prometheus", "http://prometheus:9090")
    stack = replace(bare_stack("answers"), datasources=(source,))
    place = tmp_path / "stack/grafana/provisioning/datasources/obsctl.yml"
    place.parent.mkdir(parents=True)
    place.write_text("datasources: [ { name: Prometheus, uid: p, type: prometheus, url: u } ]")
    return Context(stack, {}, tmp_path, tmp_path / "stack", tmp_path, no_engine)


def found(
    context: Context, targets: Mapping[str, str], checks: Sequence[Check] = CHECKS
) -> Mapping[str, Finding]:
    """What is wrong, by code, where only these components are there."""
    asked = [check for check in checks if check.layer != "containers"]
    return causes(run_checks(replace(context, targets=targets), asked))


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://no-such-host.invalid:9093", "name-unknown"),
        ("http://127.0.0.1:{closed}", "not-listening"),
        ("https://127.0.0.1:{plain}", "tls-failed"),
        ("http://127.0.0.1:{rude}", "no-http"),
        ("http://255.255.255.255:9093", "unreachable"),
    ],
)
def test_an_address_that_leads_nowhere(context: Context, url: str, code: str) -> None:
    with serving({}) as plain, hanging_up() as rude:
        places = {"closed": free_port(), "plain": plain.rpartition(":")[2], "rude": rude}
        report = found(context, {"alertmanager": url.format(**places)})
    assert report[code].subject == "alertmanager"
    assert report[code].layer == "readiness"


@contextmanager
def hanging_up() -> Iterator[int]:
    """The port of a server that closes each connection without a word."""
    server = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            try:
                server.accept()[0].close()
            except OSError:
                return

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()


SUCCESS = {"status": "success", "data": {"version": "3.13.2"}}
REFUSED = {"status": "error", "error": "too many samples"}


@pytest.mark.parametrize(
    ("component", "code", "answers"),
    [
        ("prometheus", "prometheus-not-ready", {"*": (503, "Service Unavailable")}),
        ("prometheus", "wrong-answer", {**READY, "*": (200, "<html>a page</html>")}),
        ("prometheus", "wrong-shape", {**READY, "*": (200, {"status": "success", "data": []})}),
        ("prometheus", "query-failed", {**READY, "*": (200, SUCCESS),
                                        "/api/v1/query": (200, REFUSED)}),
        ("alertmanager", "not-ready", {"*": (503, "starting")}),
        ("grafana", "grafana-password", {**GRAFANA, "/api/org": (401, {})}),
        ("grafana", "unexpected-status", {**GRAFANA, "/api/org": (500, {})}),
        ("grafana", "datasource-missing", GRAFANA),
        ("grafana", "plugin-missing", {**GRAFANA, "*": (404, {"message": "Plugin not found"})}),
        ("elasticsearch", "elastic-password", {"*": (401, {})}),
        ("alertmanager", "login-asked", {"*": (401, {})}),
        ("elasticsearch", "cluster-red", {"*": (200, {"status": "red", "unassigned_shards": 1})}),
        ("elasticsearch", "licence-trial", {
            "/_cluster/health": (200, {"status": "green"}),
            "/_license": (200, {"license": {"type": "trial", "expiry_date": "2026-12-24"}})}),
        ("kibana", "kibana-not-ready", {"/api/status": (503, {"status": {"overall": {
            "level": "critical"}}})}),
    ],
)  # fmt: skip
def test_an_answer_that_is_none(
    context: Context, component: str, code: str, answers: Answers
) -> None:
    with serving(answers) as url:
        assert code in found(context, {component: url})


PIPELINE = 'input { tcp { \n id => "from_tcp"\n } }\noutput { x {\n id => "to_store"\n} }\n'


@pytest.mark.parametrize(
    ("text", "names", "evidence"),
    [
        (PIPELINE.replace("from_tcp", "from_beats"), ["main"], "`from_beats` is not loaded"),
        (PIPELINE.replace("from_tcp", "x"), ["main"], "`x` is not loaded"),
        ("", ["main"], "`from_tcp` is loaded and not in stack/"),
        (PIPELINE.replace("tcp {", "tcp { port => 1"), ["main"], "with other settings"),
        (PIPELINE, [], "main: it is not loaded"),
        (PIPELINE, ["main", "more"], "more: it is loaded and not in stack/"),
        (PIPELINE, ["main", ".monitoring"], ""),
    ],
)
@pytest.mark.parametrize("place", ["*.conf", "", "logstash.conf"])
def test_a_pipeline_that_is_another_one(
    context: Context, text: str, names: Sequence[str], evidence: str, place: str
) -> None:
    """Logstash tells the SHA-256 of the text that it has compiled."""
    plugins = {"inputs": [{"id": "from_tcp"}], "outputs": [{"id": "to_store"}]}
    digest = sha256(PIPELINE.encode()).hexdigest()
    stats = {"pipelines": {name: {"plugins": plugins} for name in names}}
    nodes = {"pipelines": {name: {"hash": digest} for name in names}}
    file = context.stack_directory / "logstash" / "pipeline" / "logstash.conf"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    pipelines = context.stack_directory / "logstash" / "config" / "pipelines.yml"
    pipelines.parent.mkdir()
    config = f"/usr/share/logstash/pipeline/{place}"
    pipelines.write_text(json.dumps([{"pipeline.id": "main", "path.config": config}]))
    with serving({"/_node/stats/pipelines": (200, stats), "/_node/pipelines": (200, nodes)}) as url:
        told = found(context, {"logstash": url})
    assert ("pipeline-not-loaded" in told) == bool(evidence)
    if evidence:
        assert evidence in told["pipeline-not-loaded"].evidence


REFUSED_RELOAD = {"reloads": {
    "last_failure_timestamp": "2026-01-01T00:00:01Z", "last_error": {"message": "Expected one of"}
}}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "told", "fails"),
    [
        (PIPELINE, {"hash": sha256(PIPELINE.encode()).hexdigest()}, False),
        (PIPELINE.replace("{", "{ ["), {"hash": sha256(PIPELINE.encode()).hexdigest()}, True),
        (PIPELINE, {}, True),
    ],
    ids=["put right again", "refused", "no hash is told"],
)
def test_a_pipeline_that_was_refused(
    context: Context, text: str, told: Mapping[str, str], *, fails: bool
) -> None:
    plugins = {"inputs": [{"id": "from_tcp"}], "outputs": [{"id": "to_store"}]}
    stats = {"pipelines": {"main": {"plugins": plugins, **REFUSED_RELOAD}}}
    file = context.stack_directory / "logstash" / "pipeline" / "logstash.conf"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    nodes = {"pipelines": {"main": told}}
    with serving({"/_node/stats/pipelines": (200, stats), "/_node/pipelines": (200, nodes)}) as url:
        findings = found(context, {"logstash": url})
    assert ("pipeline-reload-failed" in findings) == fails
    assert "pipeline-not-loaded" not in findings


ILM = {"enabled": True, "data_retention": "14d"}
LOGGING = Logging(
    inputs=(), retention="1d", elasticsearch_url="http://x", elasticsearch_tls=False, datasets={},
    namespace="test", logstash_heap_mib=1, kibana_heap_mib=1, kibana_url=None,
)  # fmt: skip


@pytest.mark.parametrize(
    ("stream", "code", "evidence"),
    [
        ({"lifecycle": ILM}, "", ""),
        ({"lifecycle": ILM | {"data_retention": "9d"}}, "retention-differs", "in force is 9d"),
        ({"lifecycle": ILM | {"enabled": False}}, "retention-differs", "in force is none"),
        ({"lifecycle": ILM | {"effective_retention": "7d"}}, "retention-differs", "is 7d"),
        ({}, "retention-differs", "in force is none"),
        ({"lifecycle": ILM, "next_generation_managed_by": "Index Lifecycle Management"},
         "retention-idle", "its next index is managed by Index Lifecycle Management"),
        ({"lifecycle": ILM, "indices": [{"index_name": ".ds-1", "managed_by": "Unmanaged"}]},
         "retention-idle", ".ds-1 is managed by Unmanaged"),
    ],
)  # fmt: skip
def test_a_retention_that_is_not_in_force(
    context: Context, stream: Mapping[str, object], code: str, evidence: str
) -> None:
    template = {"settings": {"number_of_replicas": 0}, "lifecycle": {"data_retention": "14d"}}
    told = {"settings": {"index": {"number_of_replicas": "0"}}, "lifecycle": ILM}
    setup = context.stack_directory / "elasticsearch" / "setup"
    setup.mkdir(parents=True)
    (setup / "template_logs_custom.json").write_text(json.dumps({"template": template}))
    (setup / "retention.json").write_text('{"data_retention": "14d"}')
    asked = replace(context, stack=replace(context.stack, logging=LOGGING))
    answers: Answers = {
        "/_component_template/logs@custom": (
            200, {"component_templates": [{"component_template": {"template": told}}]}
        ),
        "/_data_stream/logs-*-*": (200, {"data_streams": [{"name": "logs-a-b", **stream}]}),
    }  # fmt: skip
    with serving(answers) as url:
        findings = found(asked, {"elasticsearch": url})
    assert {"retention-differs", "retention-idle", "template-differs"} & set(findings) == (
        {code} if code else set()
    )
    if code:
        assert evidence in findings[code].evidence


def test_events_that_elasticsearch_refused(context: Context) -> None:
    output = {"id": "to_elasticsearch", "documents": {"non_retryable_failures": 3}}
    pipeline = {"events": {"in": 5, "out": 5}, "plugins": {"outputs": [output]}}
    with serving({"/_node/stats/pipelines": (200, {"pipelines": {"main": pipeline}})}) as url:
        finding = found(context, {"logstash": url})["events-refused"]
    counts = "5 events in, 5 out, 3 refused by Elasticsearch"
    assert finding.evidence == f"since it was started: {counts}"
    assert finding.state == "warn"


def test_an_alert_that_is_taken_and_not_listed(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "GRACE_S", 0.2)
    answers = {"/metrics": (200, ""), "/api/v2/alerts": (200, [])}
    with serving(answers) as url:
        assert "canary-not-seen" in found(context, {"alertmanager": url}, ALERT_CHECKS)


def test_a_sink_is_not_tried_where_alertmanager_runs_elsewhere(context: Context) -> None:
    with serving({"*": (200, {"silenceID": "1"})}) as url:
        asked = replace(context, targets={"alertmanager": url})
        report = run_checks(asked, SINK_CHECKS)
    assert any("runs elsewhere" in finding.evidence for finding in report.findings)


@pytest.mark.parametrize(
    ("tracker", "dsn", "answers", "code"),
    [
        ("sentry", "{url}/7", {"/api/7/envelope/": (200, {"id": "x"})}, ""),
        ("sentry", "{url}/7",
         {"/api/7/envelope/": (403, {"detail": "not verysecret"})}, "dsn-refused"),
        ("sentry", "{url}/7", {"/api/7/envelope/": (404, {})}, "dsn-no-project"),
        ("sentry", "{url}/7", {"/api/7/envelope/": (429, {})}, "errors-rate-limited"),
        ("sentry", "{url}/7", {"/api/7/envelope/": (413, {})}, "error-refused"),
        ("sentry", "{url}", {}, "dsn-wrong"),
        ("sentry", "http://key@127.0.0.1:{closed}/7", {}, "tracker-unreachable"),
        ("bugsink", "{url}/1", {"/api/1/envelope/": (200, {"id": "x"}),
         "/api/canonical/0/projects/1/": (200, {"digested_event_count": 4})}, "error-lost"),
    ],
)  # fmt: skip
def test_an_error_event(
    context: Context, tracker: str, dsn: str, answers: Answers, code: str
) -> None:
    tracking = ErrorTracking(tracker, (ErrorProject("shop", "dsn"), ErrorProject("web", "dsn")))
    checks = [replace(check, seconds=2.0) for check in ERROR_CHECKS]
    with serving(answers) as url:
        place = url.replace("//", "//verysecret@")
        (context.root / "dsn").write_text(dsn.format(url=place, closed=free_port()))
        (context.root / "bugsink_api_token").write_text("token")
        asked = replace(context, stack=replace(context.stack, errors=tracking))
        asked = replace(asked, targets={"bugsink": url})
        (finding,) = run_checks(asked, checks).findings
    assert finding.code == code, finding
    assert finding.subject == tracker
    assert "verysecret" not in finding.evidence


ROTATE = "/api/encrypted_saved_objects/_rotate_key"
BUSY = (429, {"message": "Encryption key rotation is in progress already."})


class InTurn(Mapping[str, tuple[int, object]]):
    """The next answer each time; the last one stays."""

    def __init__(self, *answers: tuple[int, object]) -> None:
        self.left = list(answers)

    def __getitem__(self, path: str) -> tuple[int, object]:
        if path != ROTATE:
            raise KeyError(path)
        return self.left.pop(0) if len(self.left) > 1 else self.left[0]

    def __iter__(self) -> Iterator[str]:
        return iter((ROTATE,))

    def __len__(self) -> int:
        return 1


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ([(200, {"total": 5, "successful": 5, "failed": 0})], ""),
        ([BUSY, (200, {"total": 5, "successful": 1, "failed": 2}),
          (200, {"total": 5, "successful": 2, "failed": 0})], ""),
        ([(200, {"total": 5, "successful": 1, "failed": 2})], "2 of 5 failed"),
        ([(400, {"message": "not configured to support it"})], "not configured"),
        ([(403, {"message": "Forbidden"})], "HTTP 403"),
        ([(200, "<!DOCTYPE html>")], "<!DOCTYPE html>"),
    ],
    ids=["done", "busy", "failed", "unprepared", "forbidden", "somebody-else"],
)  # fmt: skip
def test_what_kibana_says_of_its_data_and_a_new_key(
    context: Context, answers: list[tuple[int, object]], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kibana, "_PAUSE_S", 0.01)
    monkeypatch.setattr(kibana, "_SHORT_S", 0.5)
    with serving(InTurn(*answers)) as url:
        problems = list(kibana.encrypted_anew(replace(context, targets={"kibana": url})))
    assert len(problems) == bool(words)
    assert all(words in one.message for one in problems)
    assert all("it has both keys" in (one.hint or "") for one in problems)
