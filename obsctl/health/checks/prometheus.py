"""Prometheus: it is ready, and it runs what is rendered."""

from collections.abc import Iterator
from typing import Any, Final

from obsctl.engine.components.compare import first_difference, rules_difference
from obsctl.health.asking.context import Context
from obsctl.health.asking.times import parse_time
from obsctl.health.findings.report import Finding
from obsctl.project.plain_yaml import load_plain

_FILE: Final = "prometheus/prometheus.yml"
_OK: Final = 200
DISCOVERS: Final = "Prometheus has just loaded its configuration and looks for whom it names"
_DISCOVERY_S: Final = 10.0
"""It takes over new targets every five seconds, and a busy machine is late."""


def ready(context: Context) -> Iterator[Finding]:
    """/-/ready is 200 only after the WAL is replayed and a configuration is loaded."""
    claim = context.claim("readiness", "prometheus", "has loaded its data and answers")
    answer = context.get("prometheus", "/-/ready")
    if answer.status != _OK:
        yield claim.fail("prometheus-not-ready", f"/-/ready: {answer.excerpt}")
        return
    version = context.data("/api/v1/status/buildinfo")["version"]
    yield claim.ok(f"/-/ready: 200 in {answer.seconds * 1000:.0f} ms, version {version}")


def configuration(context: Context) -> Iterator[Finding]:
    """prometheus.yml in stack/ against the configuration that the process runs."""
    claim = context.claim("configuration", "prometheus", "has loaded prometheus.yml")
    if not context.data("/api/v1/status/runtimeinfo")["reloadConfigSuccess"]:
        yield claim.fail("reload-failed", "reloadConfigSuccess is false")
        return
    loaded = load_plain(context.data("/api/v1/status/config")["yaml"])
    rendered = context.on_disk(_FILE)
    found = first_difference(rendered, loaded)
    if found:
        yield claim.fail("config-not-loaded", found, file=_FILE)
        return
    yield claim.ok(f"{len(rendered.get('scrape_configs') or ())} scrape jobs equal")


def flags(context: Context) -> Iterator[Finding]:
    """The command line of the rendered service against the flags of the process."""
    claim = context.claim("configuration", "prometheus", "runs with the rendered flags")
    command = context.written("prometheus").get("command") or ()
    wanted = dict(_flag(item) for item in command if str(item).startswith("--"))
    found = first_difference(wanted, context.data("/api/v1/status/flags"))
    if found:
        yield claim.fail("flags-differ", found)
        return
    yield claim.ok(f"{len(wanted)} flags equal")


def _flag(item: object) -> tuple[str, str]:
    # Compose's `$$` is one `$`; a flag without a value is true.
    name, _, value = str(item).replace("$$", "$").removeprefix("--").partition("=")
    return name, value or "true"


def rules(context: Context) -> Iterator[Finding]:
    """The rule files in stack/ against /api/v1/rules."""
    claim = context.claim("configuration", "prometheus", "has loaded the rendered rules")
    rendered = rendered_groups(context)
    loaded = context.data("/api/v1/rules")["groups"]
    found = rules_difference(rendered, loaded)
    if found:
        yield claim.fail("rules-not-loaded", found)
        return
    count = sum(len(group.get("rules") or ()) for group in rendered)
    yield claim.ok(f"{count} rules in {len(rendered)} groups equal")


def rendered_groups(context: Context) -> list[dict[str, Any]]:
    """The groups of every rule file that prometheus.yml names."""
    names = context.on_disk(_FILE).get("rule_files") or ()
    documents = (context.on_disk(f"prometheus/{name.rpartition('/')[2]}") for name in names)
    return [group for document in documents for group in document.get("groups") or ()]


def discovers(context: Context) -> bool:
    """Whether Prometheus was started or loaded a file a moment ago, and has no targets for that."""
    info = context.data("/api/v1/status/runtimeinfo")
    # The sample carries Prometheus's own time.
    now_s = float(context.query("vector(1)")[0]["value"][0])
    return now_s - max(map(parse_time, (info["startTime"], info["lastConfigTime"]))) < _DISCOVERY_S
