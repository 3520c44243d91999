"""Whether Prometheus's alerts arrive, from the counters of its sends."""

import pytest

from obsctl.health.checks.prometheus import failed_sends


def samples(values: list[int]) -> list[list[object]]:
    return [[1000.0 + 15 * number, str(value)] for number, value in enumerate(values)]


@pytest.mark.parametrize(
    ("sent", "errors", "failed"),
    [
        ([], [], 0),
        ([5], [5], 0),
        ([3, 3, 4, 4, 5], [1, 1, 1, 1, 1], 0),
        ([3, 4, 4, 5], [0, 1, 1, 2], 2),
        ([3, 4, 5, 5, 6], [0, 1, 2, 2, 2], 0),  # Alertmanager was replaced, and takes them again
        ([3, 4, 5, 6], [0, 0, 1, 1], 0),
        ([3, 4, 5, 5], [0, 0, 1, 1], 1),
        ([3, 4, 0, 1, 2], [3, 4, 0, 1, 2], 3),  # Prometheus was started anew
        ([3, 4, 1], [0, 0, 1], 1),
    ],
)
def test_sends_that_failed(sent: list[int], errors: list[int], failed: int) -> None:
    assert failed_sends(samples(sent), samples(errors)) == failed
