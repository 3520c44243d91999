"""Every scrape target is up, and what an exporter watches is up as well."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from obsctl.conventions import DOCKER_HOST_NAME
from obsctl.errors import EngineError
from obsctl.health.asking.context import Context
from obsctl.health.asking.observed import log_lines
from obsctl.health.asking.probe import listens
from obsctl.health.asking.times import parse_time
from obsctl.health.checks.prometheus import DISCOVERS, discovers
from obsctl.health.findings.report import Finding
from obsctl.health.judging.scrape_errors import Diagnosis, diagnose
from obsctl.stack.prometheus import PROBE_JOB

# `up` says that the exporter answered; these say whether its server does. One word before _up:
# node_network_up and the like speak of something else.
_BACKEND_DOWN: Final = '{__name__=~"[a-z0-9]+_up"} == 0'
_NO_ANSWER: Final = frozenset(
    f"target-{reason}" for reason in ("refused", "name", "no-route", "timeout", "down", "not-http")
)
_LOG_LINES: Final = 5
_TROUBLE: Final = re.compile(r"(?i)error|fail|refused|denied|couldn't|cannot")
_LOGIN: Final = re.compile(r"//[^/@\s]*@")
_SLOW_SHARE: Final = 0.8
_STARTS_S: Final = 10.0
"""What an exporter takes from its start to its first answer, on a busy machine."""
EARLY: Final = "not all targets have been scraped yet"


def targets_up(context: Context) -> Iterator[Finding]:
    """The active targets of each rendered job, and the error of those that are down."""
    by_job: dict[str, list[dict[str, Any]]] = {}
    for target in active_targets(context):
        by_job.setdefault(target["scrapePool"], []).append(target)
    for job in context.on_disk("prometheus/prometheus.yml").get("scrape_configs") or ():
        name = job["job_name"]
        if name not in by_job:
            claim = context.claim("signals", name, "is scraped")
            told = "Prometheus has no active target of this job"
            early = discovers(context)
            yield claim.not_yet(DISCOVERS) if early else claim.fail("target-missing", told)
        for target in by_job.get(name, ()):
            yield _target(context, name, target)


def active_targets(context: Context) -> list[dict[str, Any]]:
    targets: list[dict[str, Any]] = context.data("/api/v1/targets?state=active")["activeTargets"]
    return targets


def scraped_jobs(context: Context) -> frozenset[str]:
    """Jobs that Prometheus scrapes now: of one that was taken out, series stay for five minutes."""
    return frozenset(target["scrapePool"] for target in active_targets(context))


def _of_targets(context: Context, expr: str) -> list[dict[str, Any]]:
    """Series of targets whose last scrape worked; those of others are from before."""
    up = {(t["scrapePool"], t["labels"].get("instance")) for t in active_targets(context)
          if t["health"] == "up"}  # fmt: skip
    found = context.query(expr)
    return [one for one in found if (one["metric"].get("job"), one["metric"].get("instance")) in up]


def down_jobs(context: Context) -> frozenset[str]:
    """Jobs without a single target that is up, and jobs whose server is down."""
    targets = active_targets(context)
    up = {target["scrapePool"] for target in targets if target["health"] == "up"}
    jobs = context.rendered("prometheus/prometheus.yml").get("scrape_configs") or ()
    rendered = {job["job_name"] for job in jobs}
    dead = {item["metric"].get("job", "") for item in context.query(_BACKEND_DOWN)}
    return frozenset(({target["scrapePool"] for target in targets} | rendered) - up | dead)


def is_early(context: Context) -> bool:
    """Whether a target has not been asked yet, so that nobody knows which series there are."""
    targets = active_targets(context)
    return not targets or any(target["health"] == "unknown" for target in targets)


def _target(context: Context, job: str, target: Mapping[str, Any]) -> Finding:
    instance = target["labels"].get("instance", target["scrapeUrl"])
    claim = context.claim("signals", job, f"target {instance} is scraped")
    if target["health"] == "up":
        took_s, interval = target["lastScrapeDuration"], target.get("scrapeTimeout", "")
        return claim.ok(f"up, scraped in {took_s * 1000:.0f} ms (limit {interval})")
    if target["health"] == "unknown":
        return claim.not_yet(f"first scrape within {target.get('scrapeInterval')}")
    error = target["lastError"]
    if _asked_too_early(context, target):
        told = f"asked before its container had started: {error}"
        return claim.not_yet(f"{told}; again within {target.get('scrapeInterval')}")
    diagnosis = _refined(context, diagnose(error, target["scrapeUrl"]))
    return claim.fail(diagnosis.code, error, job=job, **diagnosis.values)


def _asked_too_early(context: Context, target: Mapping[str, Any]) -> bool:
    """Whether the last scrape came before the container could answer that runs now."""
    host = urlsplit(target["scrapeUrl"]).hostname or ""
    if host not in context.services:
        return False
    try:
        states = context.container_states()
    except EngineError:
        return False
    scraped_at = parse_time(target["lastScrape"])
    return any(
        one.service == host and one.status == "running" and one.started_at + _STARTS_S >= scraped_at
        for one in states
    )


def _refined(context: Context, diagnosis: Diagnosis) -> Diagnosis:
    """What the error alone does not tell: whose the target is, and who may reach it."""
    values = diagnosis.values
    if values["host"] in context.services and diagnosis.code in _NO_ANSWER:
        return Diagnosis("target-container", values)
    if diagnosis.code != "target-refused" or values["host"] != DOCKER_HOST_NAME:
        return diagnosis
    # Refused from a container and accepted from the host: the app listens on loopback only.
    if listens("127.0.0.1", int(str(values["port"]))):
        return Diagnosis("target-loopback", values)
    return diagnosis


def backends_up(context: Context) -> Iterator[Finding]:
    """An exporter answers for ever while its database is dead: its own X_up metric tells."""
    jobs: set[str] = set()
    scraped = scraped_jobs(context)
    for item in context.query(_BACKEND_DOWN):
        labels = item["metric"]
        job = labels.get("job", "")
        if job not in scraped:
            continue
        jobs.add(job)
        claim = context.claim("signals", job, "what its exporter watches is up")
        metric = labels["__name__"]
        evidence = "\n".join([f'{metric}{{job="{job}"}} is 0', *_logged(context, job)])
        yield claim.fail("backend-down", evidence, metric=metric, job=job)
    watched = {item["metric"].get("job", "") for item in context.query(_BACKEND_DOWN[:-5])}
    for job in sorted((watched & scraped) - jobs):
        claim = context.claim("signals", job, "what its exporter watches is up")
        yield claim.ok("its exporter says so")


def _logged(context: Context, job: str) -> Iterator[str]:
    """The last error in the log of an exporter, which names the server, without its login."""
    lines = log_lines(context.stack.project, f"{job}-exporter", _LOG_LINES)
    errors = [line for line in lines if _TROUBLE.search(line)]
    yield from (f"its exporter logged: {_LOGIN.sub('//', line)}" for line in errors[-1:])


def probes_succeed(context: Context) -> Iterator[Finding]:
    """Each URL of `probes` answers as it should; the stack's own parts are asked themselves."""
    for item in _of_targets(context, f'probe_success{{job="{PROBE_JOB}"}}'):
        url = item["metric"].get("instance", "")
        claim = context.claim("signals", PROBE_JOB, f"{url} answers")
        if item["value"][1] == "1":
            yield claim.ok("probe_success is 1")
            continue
        status = context.query(f'probe_http_status_code{{instance="{url}"}}')
        code = status[0]["value"][1] if status else "0"
        told = f"HTTP status {code}" if code != "0" else "no HTTP answer"
        here = url.replace(f"://{DOCKER_HOST_NAME}", "://localhost")
        yield claim.fail("probe-failed", f"probe_success is 0: {told}", url=url, here=here)


def certificates(context: Context) -> Iterator[Finding]:
    """Certificates of probed URLs that end soon."""
    for item in _of_targets(context, "probe_ssl_earliest_cert_expiry - time()"):
        url = item["metric"].get("instance", "")
        days = float(item["value"][1]) / 86400
        claim = context.claim("signals", "probe", f"the certificate of {url} is valid for long")
        if days < 14:  # noqa: PLR2004 - the week in which ACME renews, and one more
            yield claim.warn("certificate-ends", f"{days:.1f} days left", url=url)
        else:
            yield claim.ok(f"{days:.0f} days left")


def slow_scrapes(context: Context) -> Iterator[Finding]:
    """A scrape that takes nearly all of its time will soon fail."""
    for target in active_targets(context):
        limit_s = _seconds(target.get("scrapeTimeout", ""))
        took_s = target["lastScrapeDuration"]
        if target["health"] == "up" and limit_s and took_s > _SLOW_SHARE * limit_s:
            claim = context.claim("signals", target["scrapePool"], "is scraped in time")
            yield claim.warn("scrape-slow", f"{took_s:.1f} s of {limit_s:g} s")


def _seconds(text: str) -> float:
    from obsctl.engine.components.compare import duration_s

    return duration_s(text) or 0.0
