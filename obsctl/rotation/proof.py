"""That a new value works where it is used, and that the old one no longer does."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from obsctl.errors import Problem
from obsctl.health.asking.context import Context
from obsctl.health.asking.once import Once
from obsctl.health.asking.probe import ProbeError
from obsctl.rotation.inventory import Secret, Way
from obsctl.rotation.kibana import encrypted_anew
from obsctl.rotation.logins import logins

# The longest scrape interval that anybody uses is a few minutes; beyond, nothing is scraped.
_SCRAPE_S: Final = 150.0
_PAUSE_S: Final = 0.2


def proven(context: Context, secret: Secret, old: str, new: str, since: float) -> Iterator[Problem]:
    """What speaks against the new value, in force `since` (epoch seconds); nothing when it works.

    The old one is asked first: a component that counts failed logins forgets them with a good one.
    """
    for login in logins(context, secret.name):
        who = f"{login.component} for {login.user}"
        if old != new and login.accepts(context, old):
            yield Problem(f"{who} still takes the old value of `{secret.name}`")
        if not login.accepts(context, new):
            yield Problem(f"{who} does not take the new value of `{secret.name}`")
    if secret.way is Way.KEY and old != new:
        yield from encrypted_anew(context)
    for service in secret.exporters:
        if fault := _exporter_fault(context, service, since):
            hint = f"`obsctl logs {service}-exporter` tells why"
            words = f"with the new value of `{secret.name}`, {fault}"
            yield Problem(words, hint=hint)


def _exporter_fault(context: Context, service: str, since: float) -> str | None:
    """None once a scrape from after the restart says that the exporter reaches its service."""
    series = f'{{__name__=~"[a-z0-9]+_up",job="{service}"}}'
    deadline = time.monotonic() + _SCRAPE_S
    is_up = False
    while time.monotonic() < deadline:
        now = replace(context, once=Once())
        try:
            scraped = now.query(f"min(timestamp({series}))")
            if scraped and float(scraped[0]["value"][1]) > since:
                is_up = now.query(f"min({series})")[0]["value"][1] == "1"
                # An exporter that has just started may need a second look at its service.
                if is_up or float(scraped[0]["value"][1]) > since + _PAUSE_S * 10:
                    break
        except (ProbeError, IndexError) as error:
            words = getattr(error, "evidence", "no such series")
            if time.monotonic() + _PAUSE_S >= deadline:
                return f"Prometheus cannot say whether `{service}` is reached: {words}"
        time.sleep(_PAUSE_S)
    return None if is_up else f"the exporter of `{service}` does not reach it"
