"""Clocks agree: a skewed one makes alerts late and graphs empty."""

import time
from collections.abc import Iterator
from typing import Final

from obsctl.health.asking.context import Context
from obsctl.health.findings.report import Finding

_TOLERATED_S: Final = 2.0


def clocks_agree(context: Context) -> Iterator[Finding]:
    """Prometheus against this machine, and each watched host against Prometheus."""
    claim = context.claim("signals", "prometheus", "its clock agrees with this machine's")
    before = time.time()
    # The sample carries the time at which the query was evaluated.
    server = float(context.query("vector(1)")[0]["value"][0])
    after = time.time()
    skew_s = max(before - server, server - after, 0.0)
    if skew_s > _TOLERATED_S:
        yield claim.warn("clock-skew", f"{skew_s:.1f} s apart")
    else:
        yield claim.ok(f"within {max(skew_s, after - before):.2f} s")
    for item in context.query("abs(node_time_seconds - timestamp(node_time_seconds))"):
        host_s = float(item["value"][1])
        name = item["metric"].get("instance", "host")
        if host_s > _TOLERATED_S:
            host = context.claim("signals", name, "its clock agrees with Prometheus's")
            yield host.warn("clock-skew", f"{host_s:.1f} s apart")
