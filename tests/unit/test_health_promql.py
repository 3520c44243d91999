"""Which rules can never fire: selectors, what an expression needs, and what is there."""

import re
from collections.abc import Iterable, Mapping

import pytest

from obsctl.health.judging.liveness import Liveness
from obsctl.health.judging.promql import missing, selectors


def names(expr: str) -> list[str]:
    return sorted(map(str, selectors(expr)))


@pytest.mark.parametrize(
    ("expr", "found"),
    [
        ('rate(a_total{job="x"}[5m]) > 0', ['a_total{job="x"}']),
        ("max_over_time((a + b)[5m:1m])", ["a", "b"]),
        ('label_replace(a, "x", "y", "", "") unless b', ["a", "b"]),
        (r'a{le=~"5(\\.0)?"}', [r'a{le=~"5(\\.0)?"}']),
        ('{__name__="a", job="x"}', ['a{job="x"}']),
        ('{"with.dots", job="x"}', ['{"with.dots",job="x"}']),
        ("absent(a)", ["a"]),
        ("vector(1)", []),
    ],
)
def test_selectors(expr: str, found: list[str]) -> None:
    assert names(expr) == found


@pytest.mark.parametrize(
    ("expr", "needs"),
    [
        ("a and b", ("a", "b")),
        ("a / on (job) b > 2", ("a", "b")),
        ("a unless b", ("a",)),
        ("a or vector(0)", ()),
        ("a or b", ("a", "b")),
        ("(a or 0 * a) / a", ("a",)),
        ("absent(a)", ()),
        ("a == 0 or absent(a)", ()),
        ("time() - a > 5", ("a",)),
        ("count(a) or sum(b) unless c", ("a", "b")),
    ],
)
def test_what_an_expression_cannot_do_without(expr: str, needs: tuple[str, ...]) -> None:
    assert missing(expr, lambda selector: (str(selector),)) == needs


# The series of a Prometheus, as far as these tests need one: name -> label sets.
SERIES: Mapping[str, list[Mapping[str, str]]] = {
    "up": [{"job": "backend"}, {"job": "redis"}],
    "http_requests_total": [{"job": "backend", "status_code": "200", "route": "/"}],
    "redis_up": [{"job": "redis"}],
}
_GROUP = re.compile(r'label_replace\(group\((.*?)\), "obsctl", "(\d+)", "", ""\)(?: or |$)')


def ask(query: str) -> Iterable[Mapping[str, Mapping[str, str]]]:
    """Answer the one form of query that Liveness sends, from SERIES."""
    for text, index in _GROUP.findall(query):
        (selector,) = selectors(text)
        if any(
            all(_matches(labels.get(m.label, ""), m.op, m.value) for m in selector.matchers)
            for labels in SERIES.get(selector.name, [])
        ):
            yield {"metric": {"obsctl": index}}


def _matches(actual: str, operator: str, value: str) -> bool:
    if operator in ("=", "!="):
        return (actual == value) == (operator == "=")
    return (re.fullmatch(value, actual) is not None) == (operator == "=~")


RECORDED = {
    "job:errors:ratio": ['sum by (job) (rate(http_requests_total{job="backend"}[5m]))'],
    "job:dead:ratio": ['sum by (job) (rate(nothing_total{job="backend"}[5m]))'],
    "job:both:ratio": ["rate(nothing_total[5m])", "rate(http_requests_total[5m])"],
}


@pytest.mark.parametrize(
    ("expr", "why"),
    [
        ('up{job="backend"} == 0', ()),
        ('rate(http_requests_total{job="backend",status_code="200"}[5m]) > 0', ()),
        # No 500 has happened yet: the label is there, so that the rule can fire.
        ('rate(http_requests_total{job="backend",status_code=~"5.."}[5m]) > 0', ()),
        # The label has another name in this app: never.
        (
            'rate(http_requests_total{job="backend",code=~"5.."}[5m]) > 0',
            ('`http_requests_total{job="backend"}` has no label `code`',),
        ),
        # A matcher that the absence of the label satisfies needs no such label.
        ('http_requests_total{job="backend",code!="500"}', ()),
        ('http_requests_total{job="other"} > 0', ('no series `http_requests_total{job="other"}`',)),
        ("mongodb_up == 0", ("no series `mongodb_up`",)),
        ("mongodb_up == 0 or absent(mongodb_up)", ()),
        ("redis_up == 0 or mongodb_up == 0", ()),
        ("job:errors:ratio > 0.05", ()),
        ("job:dead:ratio > 0.05", ('no series `nothing_total{job="backend"}`',)),
        ("job:both:ratio > 0.05", ()),
        ("this is (no expression", ()),
    ],
)
def test_why_a_rule_is_dead(expr: str, why: tuple[str, ...]) -> None:
    liveness = Liveness(RECORDED)
    liveness.learn([expr], ask)
    assert liveness.why_dead(expr) == why


def test_a_reason_knows_the_job_that_would_export_it() -> None:
    liveness = Liveness({})
    expr = 'http_requests_total{job="other"} > 0'
    liveness.learn([expr], ask)
    (reason,) = liveness.why_dead(expr)
    assert liveness.origins[reason].value_of("job") == "other"


def test_many_selectors_go_in_few_queries() -> None:
    queries: list[str] = []

    def counting(query: str) -> Iterable[Mapping[str, Mapping[str, str]]]:
        queries.append(query)
        return ask(query)

    Liveness({}).learn([f'up{{job="{number}"}}' for number in range(100)], counting)
    assert len(queries) == 3
