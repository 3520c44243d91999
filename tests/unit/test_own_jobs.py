"""The stack watches its own parts, Elasticsearch and Logstash through exporters of their own."""

from pathlib import Path

import pytest
import yaml

from obsctl.conventions import PORTS
from tests.unit.stacks import rendered, resolved, service


def test_every_part_that_tells_metrics_is_scraped(tmp_path: Path) -> None:
    jobs = {job.name: job.targets for job in resolved(tmp_path).scrape_jobs}
    assert jobs == {
        **{name: (f"{name}:{PORTS[name]}",) for name in ("prometheus", "alertmanager", "grafana")},
        "elasticsearch": ("elasticsearch-exporter:9114",),
        "logstash": ("logstash-exporter:9198",),
    }


def test_without_logs_there_is_nothing_of_them(tmp_path: Path) -> None:
    stack = resolved(tmp_path, "stack: { without: [elk] }\n")
    assert {job.name for job in stack.scrape_jobs} == {"prometheus", "alertmanager", "grafana"}
    assert "es_exporter_password" not in stack.secrets


def test_the_exporter_of_elasticsearch_has_a_user_of_its_own(tmp_path: Path) -> None:
    exporter = service(resolved(tmp_path), "elasticsearch-exporter")
    assert exporter.secrets == ("es_exporter_password",)
    assert exporter.environment == {"ES_USERNAME": "es_exporter"}
    assert "--es.uri=http://elasticsearch:9200" in exporter.command
    assert not exporter.host_gateway
    assert [waits.service for waits in exporter.depends_on] == ["elasticsearch-setup"]


def test_the_log_store_mutes_nothing_of_the_users(tmp_path: Path) -> None:
    file = yaml.safe_load(rendered(tmp_path)["alertmanager/alertmanager.yml"])
    by_system = [rule for rule in file["inhibit_rules"] if rule["equal"] == ["system"]]
    assert all('service != "elasticsearch"' in rule["source_matchers"] for rule in by_system)


@pytest.mark.parametrize("alert", ["ElasticsearchDown", "LogstashDown"])
def test_their_runbooks_name_published_ports(tmp_path: Path, alert: str) -> None:
    text = rendered(tmp_path)[f"runbooks/{alert}.md"]
    port = PORTS[alert.removesuffix("Down").lower()]
    assert f"localhost:{port}" in text
    assert "HOST:PORT" not in text
