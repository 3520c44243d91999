"""Disk space: what Prometheus will need at its full retention, and Elasticsearch's watermarks."""

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from obsctl.engine.components.compare import duration_s
from obsctl.health.asking.context import Context
from obsctl.health.findings.claim import Claim
from obsctl.health.findings.report import Finding
from obsctl.health.judging.sizes import bytes_of, size_text

_BYTES_A_SAMPLE: Final = 2.0
"""On disk with index: one to two bytes, says Prometheus's own documentation on storage."""
_DAY_S: Final = 86_400
_DOCKER_ROOT: Final = PurePosixPath("/var/lib/docker")
_WATERMARK: Final = "cluster.routing.allocation.disk.watermark"
_NEAR: Final = 2.0
"""Elasticsearch's free space in multiples of the watermark at which it stops writing."""
_SHARE: Final = re.compile(r"([0-9.]+)%")


def prometheus_fits(context: Context) -> Iterator[Finding]:
    """Samples of today times retention, against the size limit and the free space."""
    claim = context.claim("signals", "prometheus", "its data fits on the disk")
    rate = context.query("sum(rate(prometheus_tsdb_head_samples_appended_total[10m]))")
    flags = context.data("/api/v1/status/flags")
    kept_s = duration_s(flags.get("storage.tsdb.retention.time", "")) or 15 * _DAY_S
    if not rate:
        yield claim.skip("it is not scraped long enough to tell")
        return
    a_day = float(rate[0]["value"][1]) * _BYTES_A_SAMPLE * _DAY_S
    needed = a_day * kept_s / _DAY_S
    told = f"about {size_text(a_day)} a day, {size_text(needed)} in {kept_s / _DAY_S:g} days"
    limit = bytes_of(flags.get("storage.tsdb.retention.size", "")) or 0
    if limit and needed > limit:
        days = f"{limit / a_day:.1f}"
        yield claim.warn("history-cut", f"{told}; the limit is {size_text(limit)}", days=days)
        return
    free = _free_bytes(context)
    used = context.query("prometheus_tsdb_storage_blocks_bytes")
    missing = needed - sum(float(item["value"][1]) for item in used)
    if free is not None and missing > free:
        yield claim.warn("disk-forecast", f"{told}; {size_text(free)} are free")
        return
    yield claim.ok(told if free is None else f"{told}; {size_text(free)} are free")


def _free_bytes(context: Context) -> float | None:
    """Of the file system with Docker's volumes, where the stack watches its own host."""
    nodes = {s.name.removesuffix("-exporter") for s in context.stack.services if s.host_pid}
    found = {
        PurePosixPath(item["metric"].get("mountpoint", "")): float(item["value"][1])
        for item in context.query("node_filesystem_avail_bytes")
        if item["metric"].get("job") in nodes
    }
    above = [place for place in found if _DOCKER_ROOT.is_relative_to(place) and place.is_absolute()]
    return found[max(above, key=lambda place: len(place.parts))] if above else None


def logs_fit(context: Context) -> Iterator[Finding]:
    """What Elasticsearch holds against its share of the budget; nothing else bounds it by size."""
    share = context.stack.budget.disk.get("elasticsearch") if context.stack.budget else None
    if share is None:
        return
    nodes = context.get("elasticsearch", "/_nodes/stats/indices").json()["nodes"]
    held = sum(node["indices"]["store"]["size_in_bytes"] for node in nodes.values())
    yield against_share(context.claim("signals", "elasticsearch", "its data fits"), held, share)


def against_share(claim: Claim, held: float, share: float) -> Finding:
    """`held` and `share` in bytes."""
    told = f"{size_text(held)} of its {size_text(share)} of the disk's budget"
    return claim.warn("logs-over-budget", told) if held > share else claim.ok(told)


def elasticsearch_has_room(context: Context) -> Iterator[Finding]:
    """Free space of each node against the watermark at which it makes its indices read-only."""
    settings = context.get("elasticsearch", f"/_cluster/settings{_FLAT}").json()
    nodes = context.get("elasticsearch", "/_nodes/stats/fs").json()["nodes"]
    for node in nodes.values():
        total = node["fs"]["total"]["total_in_bytes"]
        free = node["fs"]["total"]["available_in_bytes"]
        stops_at = _reserve(_setting(context, settings, "flood_stage") or "95%", total)
        claim = context.claim("signals", "elasticsearch", "its disk has room")
        told = f"{size_text(free)} of {size_text(total)} free, it stops at {size_text(stops_at)}"
        if free <= stops_at:
            yield claim.fail("disk-flood", told)
        elif free < _NEAR * stops_at:
            yield claim.warn("disk-low", told)
        else:
            yield claim.ok(told)


_FLAT: Final = "?include_defaults=true&flat_settings=true"


def _setting(context: Context, settings: Mapping[str, Any], name: str) -> str:
    """What holds: what was set at run time, then what the node was started with."""
    key = f"{_WATERMARK}.{name}"
    service = context.services.get("elasticsearch", {})
    places = (settings.get("transient"), settings.get("persistent"), settings.get("defaults"))
    values = ((place or {}).get(key) for place in (*places, service.get("environment")))
    return next((str(value) for value in values if value), "")


def _reserve(watermark: str, total: float) -> float:
    """Bytes that have to stay free: a size says so, a share is of what may be used."""
    if share := _SHARE.fullmatch(watermark):
        return total * (1 - float(share[1]) / 100)
    return bytes_of(watermark) or 0.0
