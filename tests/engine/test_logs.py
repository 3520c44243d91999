"""Logs on the kit: from a sender's socket to the data stream of its service, and into Kibana.

Elasticsearch, Logstash and Kibana are stand-ins of the kit that refuse what the real ones refuse.
"""

import base64
import json
import re
import urllib.parse
import urllib.request
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from tests.engine.log_senders import send_beats, send_gelf, send_lines
from tests.engine.project import ProjectUnderTest, clean_environment, eventually, free_port
from tests.kit.engine import ensure_engine
from tests.kit.host import KitUnavailable
from tests.kit.images import stack_images
from tests.kit.tools import ensure_tools, tool_environment
from tests.tiers import unavailable

PORTS = ("elasticsearch", "kibana", "logstash", "tcp", "beats", "gelf")
Fields = dict[str, Any]


def describe(project: ProjectUnderTest, retention: str) -> None:
    for name in PORTS:
        project.ports.setdefault(name, free_port())
    port = project.ports
    logs = f"""\
environment: pre-live
logs:
  inputs:
    tcp: {{ port: {port["tcp"]} }}
    beats: {{ port: {port["beats"]} }}
    gelf: {{ port: {port["gelf"]} }}
  retention: {retention}"""
    stack = f"""\
  without: [ grafana ]
  elasticsearch: {{ port: {port["elasticsearch"]} }}
  kibana: {{ port: {port["kibana"]} }}
  logstash: {{ port: {port["logstash"]} }}"""
    services = '  shop-api: { kind: express, targets: ["localhost:9"] }'
    project.write(services, more=logs, stack=stack)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProjectUnderTest]:
    try:
        ensure_engine()
        images = stack_images()
        ensure_tools()
    except KitUnavailable as reason:
        unavailable("engine", str(reason))
    environment = clean_environment(tool_environment())
    under_test = ProjectUnderTest(
        tmp_path_factory.mktemp("logs"), "obsctl-logs", images, environment
    )
    describe(under_test, "14d")
    made = under_test.obsctl("up")
    try:
        assert made.code == 0, made.text
        yield under_test
    finally:
        done = under_test.obsctl("down", "--volumes")
    assert done.code == 0, done.text


def ask(project: ProjectUnderTest, component: str, path: str, put: Fields | None = None) -> Fields:
    """An answer of Elasticsearch or Kibana to the superuser."""
    password = (project.folder / "secrets" / "elastic_password").read_text()
    login = base64.b64encode(f"elastic:{password}".encode()).decode()
    url = f"http://127.0.0.1:{project.ports[component]}{path}"
    headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}
    body = json.dumps(put).encode() if put else None
    request = urllib.request.Request(url, body, headers, method="PUT" if put else "GET")
    with urllib.request.urlopen(request, timeout=5) as answer:
        found: Fields = json.load(answer)
    return found


def hits(project: ProjectUnderTest, stream: str, trace: str) -> list[Fields]:
    query = urllib.parse.quote(f'trace.id:"{trace}"')
    path = f"/{stream}/_search?q={query}&ignore_unavailable=true"
    return [hit["_source"] for hit in ask(project, "elasticsearch", path)["hits"]["hits"]]


def found(project: ProjectUnderTest, stream: str, trace: str) -> Fields:
    """The one event with that trace; it is in that data stream, and nowhere else."""
    eventually(lambda: bool(hits(project, stream, trace)), f"the event {trace} is in {stream}", 20)
    assert len(hits(project, "logs-*-*", trace)) == 1
    return hits(project, stream, trace)[0]


def has_data(project: ProjectUnderTest, query: str) -> bool:
    return bool(project.prometheus("query", query=query)["result"])


def test_a_json_line_is_filed_under_its_service(project: ProjectUnderTest) -> None:
    send_lines(
        project.ports["tcp"],
        {"level": 50, "time": 1790000000000, "msg": "no stock", "service": "shop-api",
         "traceId": "t-tcp", "data_stream": {"dataset": "stolen"}},
    )  # fmt: skip
    event = found(project, "logs-shop_api-pre_live", "t-tcp")
    assert event["service"] == {"name": "shop-api", "environment": "pre-live"}
    assert event["log"]["level"] == "error"
    assert event["message"] == "no stock"
    assert event["@timestamp"].startswith("2026-09-21T")
    assert event["data_stream"] == {
        "type": "logs", "dataset": "shop_api", "namespace": "pre_live",
    }  # fmt: skip


def test_gelf_is_filed_and_keeps_the_sender_s_service(project: ProjectUnderTest) -> None:
    send_gelf(
        project.ports["gelf"],
        {"version": "1.1", "host": "web-1", "short_message": "started", "level": 6,
         "_service": "shop-api", "_trace_id": "t-gelf"},
    )  # fmt: skip
    event = found(project, "logs-shop_api-pre_live", "t-gelf")
    assert event["service"] == {"name": "shop-api", "environment": "pre-live"}
    assert event["log"]["level"] == "info"


def test_beats_are_acknowledged_and_filed(project: ProjectUnderTest) -> None:
    send_beats(
        project.ports["beats"],
        {"@timestamp": "2026-11-23T12:00:00.000Z", "message": "from a file",
         "service": {"name": "worker"}, "trace": {"id": "t-beats"}},
    )  # fmt: skip
    event = found(project, "logs-generic-pre_live", "t-beats")
    assert event["service"] == {"name": "worker", "environment": "pre-live"}
    assert event["message"] == "from a file"


def test_a_line_of_nobody_is_kept(project: ProjectUnderTest) -> None:
    send_lines(project.ports["tcp"], {"message": "who am I", "host": "plain text", "trace": "t-no"})
    event = found(project, "logs-generic-pre_live", "t-no")
    assert event["service"] == {"name": "unknown", "environment": "pre-live"}
    assert event["host"]["name"] == "plain text"


def test_kibana_shows_them(project: ProjectUnderTest) -> None:
    view = ask(project, "kibana", "/api/data_views/data_view/obsctl-logs")["data_view"]
    assert (view["title"], view["timeFieldName"]) == ("logs-*-*", "@timestamp")
    assert ask(project, "kibana", "/api/data_views/default") == {"data_view_id": "obsctl-logs"}
    search = ask(project, "kibana", "/api/saved_objects/search/obsctl-logs")
    assert search["attributes"]["columns"] == ["log.level", "service.name", "message"]
    assert search["references"][0]["id"] == "obsctl-logs"


def test_the_stack_s_own_elasticsearch_and_logstash_are_watched(
    project: ProjectUnderTest,
) -> None:
    eventually(
        lambda: (
            {"elasticsearch", "logstash"} <= project.targets().keys()
            and {project.targets()[job] for job in ("elasticsearch", "logstash")} == {"up"}
        ),
        "both exporters are scraped",
    )
    queries = (
        'elasticsearch_cluster_health_status{job="elasticsearch",color="green"} == 1',
        'elasticsearch_filesystem_data_available_bytes{job="elasticsearch"} > 0',
        'elasticsearch_indices_indexing_index_total{job="elasticsearch"} > 0',
        'logstash_info_up{job="logstash"} == 1',
        'logstash_stats_pipeline_events_out{job="logstash",pipeline="main"} >= 4',
    )
    for query in queries:
        eventually(partial(has_data, project, query), query)


def test_a_new_retention_reaches_streams_that_are_there(project: ProjectUnderTest) -> None:
    def kept() -> dict[str, str]:
        streams = ask(project, "elasticsearch", "/_data_stream/logs-*-*")["data_streams"]
        return {one["name"]: one["lifecycle"]["data_retention"] for one in streams}

    def managers() -> set[str]:
        streams = ask(project, "elasticsearch", "/_data_stream/logs-*-*")["data_streams"]
        return {index["managed_by"] for one in streams for index in one["indices"]}

    assert kept() == {"logs-shop_api-pre_live": "14d", "logs-generic-pre_live": "14d"}
    ask(project, "elasticsearch", "/logs-*-*/_settings", {"index.lifecycle.prefer_ilm": True})
    assert managers() == {"Index Lifecycle Management"}
    describe(project, "3d")
    again = project.obsctl("up")
    assert again.code == 0, again.text
    assert kept() == {"logs-shop_api-pre_live": "3d", "logs-generic-pre_live": "3d"}
    assert managers() == {"Data stream lifecycle"}
    said = project.obsctl("check").stdout
    failed = re.findall(r"^FAIL  ([a-z-]+): ", said, re.MULTILINE)
    assert set(failed) == {"shop-api"}, said  # which does not run here
