"""Whether what is sent arrives, from the counters and the log of who sends it."""

import pytest

from obsctl.health.checks.notifications import judged
from obsctl.health.judging.exposition import labelled
from obsctl.health.judging.sends import Sends, failure_reason, growth, sends, since_start


def samples(values: list[int]) -> list[list[object]]:
    return [[1000.0 + 15 * number, str(value)] for number, value in enumerate(values)]


@pytest.mark.parametrize(
    ("sent", "failed", "found"),
    [
        ([], [], Sends()),
        ([5], [5], Sends()),
        ([3, 3, 4, 4, 5], [1, 1, 1, 1, 1], Sends(0, 1045, 1, 0)),
        ([3, 4, 4, 5], [0, 1, 1, 2], Sends(2, 1030, 1, 1)),
        ([3, 4, 5, 5, 6], [0, 1, 2, 2, 2], Sends(2, 1045, 1, 0)),  # the other side works again
        ([3, 4, 5, 6], [0, 0, 1, 1], Sends(1, 1030, 1, 0)),
        ([3, 4, 5, 5], [0, 0, 1, 1], Sends(1, 1015, 1, 1)),
        ([3, 4, 0, 1, 2], [3, 4, 0, 1, 2], Sends(3, 1045, 1, 1)),  # the sender was started anew
        ([3, 4, 1], [0, 0, 1], Sends(1, 1015, 1, 1)),
        ([3, 6], [0, 2], Sends(2, 1000, 3, 2)),
    ],
)
def test_what_two_counters_say(sent: list[int], failed: list[int], found: Sends) -> None:
    assert sends(samples(sent), samples(failed)) == found


def test_a_counter_grows_from_the_start_of_its_process() -> None:
    assert growth(samples([])) == 0
    assert growth(samples([7, 7, 9, 1, 1, 2])) == 4


def test_what_an_earlier_process_met_is_over() -> None:
    assert since_start(samples([3, 4, 5])) == samples([3, 4, 5])
    assert since_start(samples([3, 4, 0, 1, 0, 2])) == samples([3, 4, 0, 1, 0, 2])[4:]
    assert since_start([]) == []


@pytest.mark.parametrize(
    ("tried", "lost", "users", "code"),
    [
        (Sends(0, 0, 3, 0), 0, 1, ""),
        (Sends(2, 0, 1, 0), 0, 1, ""),  # delivered at another attempt
        (Sends(1, 0, 2, 1), 0, 1, ""),
        (Sends(2, 0, 1, 1), 0, 1, "notifications-failing"),
        (Sends(2, 0, 2, 2), 2, 2, "notifications-failing"),
        (Sends(2, 0, 1, 0), 2, 1, "notifications-lost"),
        # The one that is broken may not have been tried again.
        (Sends(2, 0, 1, 0), 2, 2, "notifications-failing"),
    ],
)
def test_notifications_by_the_last_one(tried: Sends, lost: int, users: int, code: str) -> None:
    assert judged(tried, lost, users)[0] == code


_ATTEMPT = 'level=WARN msg="Notify attempt failed, will retry later" receiver=ops integration='
_ANSWER = r'"unexpected status code 501: <html>\n  <p>it said \"no\"</p>\n"'
_GIVEN_UP = 'level=ERROR msg="Notify for alerts failed" err="ops/email[0]: notify retry canceled"'
LOG = (
    f'{_ATTEMPT}slack[0] err="old"',
    f"{_ATTEMPT}webhook[0] err={_ANSWER}",
    _GIVEN_UP,
    "level=INFO msg=fine",
)


def test_the_reason_of_a_failure_is_the_newest_of_its_integration() -> None:
    told = 'ops: unexpected status code 501: <html> <p>it said "no"</p>'
    assert failure_reason(LOG, "webhook") == told
    assert failure_reason(LOG, "slack") == "ops: old"
    assert failure_reason(LOG, "email") == "ops/email[0]: notify retry canceled"
    assert failure_reason(LOG, "pagerduty") == ""


def test_labels_and_values_of_a_metric() -> None:
    text = """\
# TYPE a_total counter
a_total{integration="slack",reason="a, \\"b\\""} 1
a_total{integration="email",reason=""} 2.5e+06
a_total_more{integration="email"} 7
a_total 3
"""
    assert list(labelled(text, "a_total")) == [
        ({"integration": "slack", "reason": 'a, \\"b\\"'}, 1.0),
        ({"integration": "email", "reason": ""}, 2_500_000.0),
    ]
