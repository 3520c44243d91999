"""cAdvisor: it answers for ever, and tells of no container where it does not know the Engine."""

from collections.abc import Iterator
from typing import Final

from obsctl.health.asking.context import Context
from obsctl.health.checks.targets import scraped_jobs
from obsctl.health.findings.report import Finding

# Not before its first rounds; its metrics of the machine are there from the start.
_CADVISORS: Final = (
    "cadvisor_version_info and on (job, instance) (time() - process_start_time_seconds > 90)"
)
_NAMED: Final = 'count by (job, instance) (container_last_seen{name!=""})'


def containers_have_names(context: Context) -> Iterator[Finding]:
    """Each cAdvisor has series with the name of a container: its own, if there is no other."""
    scraped = scraped_jobs(context)
    found = {item["metric"].get("job", ""): item for item in context.query(_NAMED)}
    for item in context.query(_CADVISORS):
        job = item["metric"].get("job", "")
        if job not in scraped:
            continue
        claim = context.claim("signals", job, "cAdvisor sees the containers")
        if job in found:
            yield claim.ok(f"{found[job]['value'][1]} containers")
            continue
        version = item["metric"].get("cadvisorVersion", "unknown")
        told = f"no series of container_last_seen has a name; cAdvisor {version}"
        yield claim.fail("containers-unnamed", told, job=job)
