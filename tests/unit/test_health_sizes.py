"""Sizes in the spellings of the components; metrics that a set-up need not have."""

from pathlib import Path

import pytest

from obsctl.health.judging.sizes import bytes_of, size_text
from tests.unit.stacks import resolved


@pytest.mark.parametrize(
    ("text", "size"),
    [("1gb", 2**30), ("8GiB", 8 * 2**30), ("512MB", 512 * 2**20), ("0B", 0), ("12b", 12)],
)
def test_sizes_are_read(text: str, size: float) -> None:
    assert bytes_of(text) == size


def test_what_is_no_size() -> None:
    assert bytes_of("95%") is None
    assert bytes_of("") is None


def test_sizes_are_told() -> None:
    assert size_text(0) == "0 B"
    assert size_text(1536) == "1.5 KiB"
    assert size_text(9 * 2**40) == "9 TiB"


EXPRESS = """
services:
  shop: {{ kind: express, targets: ["localhost:3000"]{settings} }}
"""


def test_metrics_of_some_set_ups_are_known_by_job(tmp_path: Path) -> None:
    stack = resolved(tmp_path, EXPRESS.format(settings=""))
    optional = stack.optional_metrics["shop"]
    assert "prom-client" in optional["nodejs_eventloop_lag_p99_seconds"]
    assert "db_query_duration_seconds" in optional


def test_a_metric_that_the_user_names_is_expected(tmp_path: Path) -> None:
    given = ", settings: { db_query_metric: sql_seconds }"
    optional = resolved(tmp_path, EXPRESS.format(settings=given)).optional_metrics["shop"]
    assert "sql_seconds" not in optional
    assert "nodejs_gc_duration_seconds" in optional
