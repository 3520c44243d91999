"""Settings of kinds that reach exporters, and what the stack's own parts make of theirs."""

from pathlib import Path

import pytest

from tests.unit.catalog_support import SMALL, problems_of, rules_of
from tests.unit.stacks import resolved, service

POSTGRES = "services: {{ pg: {{ kind: postgres, address: 'db:5432'{more} }} }}\n"


@pytest.mark.parametrize(
    ("more", "mode"),
    [("", "disable"), (", settings: { sslmode: verify-full }", "verify-full")],
)
def test_postgres_is_reached_as_the_project_asks(tmp_path: Path, more: str, mode: str) -> None:
    exporter = service(resolved(tmp_path, POSTGRES.format(more=more)), "pg-exporter")
    assert f"/postgres?sslmode={mode}&" in exporter.environment["DATA_SOURCE_URI"]


def test_a_setting_of_few_values_takes_no_other(tmp_path: Path) -> None:
    more = "  pg: { kind: postgres, address: 'db:5432', settings: { sslmode: prefer } }\n"
    assert problems_of(tmp_path, SMALL + more) == ["5:66: `prefer` is no `sslmode`"]


def test_disk_alerts_follow_the_watermarks_of_their_cluster(tmp_path: Path) -> None:
    """A disk's share says little where it is large: both kinds of watermarks end at some size."""
    more = "  search: { kind: elasticsearch, address: 'es:9200' }\n"
    found = {
        rule.labels["service"]: rule
        for group in rules_of(tmp_path, SMALL + more).groups
        for rule in group.rules
        if rule.alert == "ElasticsearchDiskLow" and rule.labels["severity"] == "critical"
    }
    # a tenth of 20 GiB: before the stack's own Elasticsearch stops, at 1 GiB
    assert f"{20 * 2**30}) < 0.1" in found["elasticsearch"].expr
    assert f"{1250 * 2**30}) < 0.1" in found["search"].expr
