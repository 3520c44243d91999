"""The report as one page for a browser: the stack from app to receiver, and what is wrong."""

from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Final

import jinja2

from obsctl.health.findings.report import HealthReport, State
from obsctl.health.telling.text import verdict
from obsctl.health.telling.topology import topology
from obsctl.stack.model import Stack

_WORDS: Final[dict[State, str]] = {
    "fail": "failed", "warn": "look at it", "skip": "not checked", "ok": "works",
}  # fmt: skip
# Told by shape as well as by colour.
_SIGNS: Final[dict[State, str]] = {"fail": "✗", "warn": "!", "skip": "-", "ok": "✓"}


def page(stack: Stack, report: HealthReport, now: datetime) -> str:
    """One HTML document that loads nothing from anywhere; `now` has a time zone."""
    return _template().render(
        stack=stack,
        report=report,
        topology=topology(stack, report),
        verdict=verdict(report),
        anchors={finding: f"problem-{n}" for n, finding in enumerate(report.problems, 1)},
        now=now,
        words=_WORDS,
        signs=_SIGNS,
    )


@cache
def _template() -> jinja2.Template:
    text = files("obsctl.health.telling").joinpath("page.html").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.from_string(text)
