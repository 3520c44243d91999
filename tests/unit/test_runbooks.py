"""Runbooks: one for each alert, with this project's queries, thresholds and services."""

import re
from pathlib import Path

import pytest

from obsctl.catalog.promql import parse_error
from obsctl.stack.rules import Rules
from tests.unit.catalog_support import EVERY_KIND, SMALL, rules_of

_QUERY = re.compile(r"```promql\n(.*?)```", re.DOTALL)


@pytest.fixture(scope="module")
def widest(tmp_path_factory: pytest.TempPathFactory) -> Rules:
    return rules_of(tmp_path_factory.mktemp("runbooks"), EVERY_KIND)


def test_every_alert_has_its_page(widest: Rules) -> None:
    alerts = {rule.alert for group in widest.groups for rule in group.rules if rule.alert}
    pages = [page.alert for page in widest.runbooks]
    assert sorted(alerts) == pages


def test_pages_are_whole(widest: Rules) -> None:
    for page in widest.runbooks:
        for heading in ("## Meaning", "## Impact", "## Diagnosis", "## Mitigation"):
            assert heading in page.body, page.alert
        assert "[[" not in page.body
        assert page.severities
        assert page.services


def test_queries_can_be_pasted(widest: Rules) -> None:
    queries = [query for page in widest.runbooks for query in _QUERY.findall(page.body)]
    assert len(queries) > 100
    assert [query for query in queries if parse_error(query)] == []


def test_a_page_names_the_service_and_the_threshold(tmp_path: Path) -> None:
    text = SMALL + "alerts: { HighErrorRate: { warning: 3% } }\n"
    (page,) = (p for p in rules_of(tmp_path, text).runbooks if p.alert == "HighErrorRate")
    assert 'job="api"' in page.body
    assert "above 3% (warning) and 10% (critical)" in page.body
    assert page.services == ("api",)


def test_many_services_share_a_section(widest: Rules) -> None:
    (page,) = (page for page in widest.runbooks if page.alert == "TargetDown")
    assert page.body.count("## Meaning") == 1
    assert "SERVICE" in page.body
    assert len(page.services) > 15


def test_kinds_with_the_same_alert_have_a_section_each(widest: Rules) -> None:
    (page,) = (page for page in widest.runbooks if page.alert == "DatabaseDown")
    assert [line for line in page.body.splitlines() if line.startswith("# ")] == [
        "# MongoDB (`mongodb`)",
        "# PostgreSQL (`pg`)",
        "# MySQL (`maria`)",
    ]
