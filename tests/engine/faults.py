"""Every fault that is put into the full stack, with the cause that `check` has to name."""

from functools import partial
from typing import Final

from tests.engine import fault_catalog as fc
from tests.engine.fault_catalog import Injection
from tests.engine.stack_faults import STACK_FAULTS, fault, swap, without

_PROMETHEUS: Final = "stack/prometheus/prometheus.yml"
_RULES: Final = "stack/prometheus/alert_rules.yml"
_ALERTMANAGER: Final = "stack/alertmanager/alertmanager.yml"
_DASHBOARD: Final = "stack/grafana/dashboards/obsctl-redis.json"
_SOURCES: Final = "stack/grafana/provisioning/datasources/obsctl.yml"


def _provisioned(kind: str, inner: Injection) -> Injection:
    return lambda lab: fc.provisioned(lab, kind, inner(lab))


def _reloaded(inner: Injection) -> Injection:
    return lambda lab: fc.reloaded(lab, inner(lab))


_FILES: Final = (
    fault(
        "drifted file",
        "stack-edited stack/",
        swap("stack/alertmanager/templates/obsctl.tmpl", "{{", " {{"),
    ),
    fault(
        "project file ahead",
        "stack-stale stack/",
        swap("obsctl.yaml", "retention: 14d", "retention: 7d"),
    ),
    fault(
        "scrape jobs not reloaded",
        "config-not-loaded prometheus",
        swap(_PROMETHEUS, "scrape_interval: 1s", "scrape_interval: 2s"),
        "stack-edited",
    ),
    fault(
        "stale mount",
        "config-not-loaded prometheus",
        _reloaded(
            partial(
                fc.stale_mount,
                path=_PROMETHEUS,
                old="scrape_interval: 1s",
                new="scrape_interval: 2s",
            )
        ),
        "stack-edited",
    ),
    fault(
        "rules not reloaded",
        "rules-not-loaded prometheus",
        swap(_RULES, "redis_up{", "redis_uptime_in_seconds{"),
        "stack-edited",
    ),
    fault(
        "rules refused",
        "reload-failed prometheus",
        _reloaded(swap(_RULES, "expr: ", "expr: ) ")),
        "stack-edited",
        "rules-not-loaded",
    ),
    fault(
        "routes not reloaded",
        "config-not-loaded alertmanager",
        swap(_ALERTMANAGER, "group_wait: 1s", "group_wait: 2s"),
        "stack-edited",
    ),
    fault(
        "dashboard changed",
        "dashboard-differs grafana",
        partial(fc.stale_mount, path=_DASHBOARD, old="redis_up{", new="redis_uptime{"),
        "stack-edited",
    ),
    fault(
        "dashboard lost",
        "dashboard-missing grafana",
        _provisioned("dashboards", partial(fc.without_file, path=_DASHBOARD)),
        "stack-stale",
    ),
    fault(
        "datasource elsewhere",
        "datasource-differs grafana",
        partial(
            fc.stale_mount, path=_SOURCES, old="http://prometheus:9090", new="http://nowhere:1"
        ),
        "stack-edited",
    ),
    fault(
        "grafana database",
        "grafana-database grafana",
        partial(fc.misbehaving, component="grafana", fault="unhealthy"),
        "container-unhealthy",
    ),
)
_LOAD: Final = ("stack-edited", "rules-not-loaded", "config-not-loaded")
_TARGETS: Final = (
    fault(
        "off the network",
        "target-container redis",
        partial(fc.off_the_network, service="redis-exporter"),
    ),
    fault("database down", "backend-down redis", partial(without, part="redis")),
    fault("app down", "target-refused backend", partial(without, part="app"), "probe-failed"),
    fault("endpoint down", "probe-failed probe", partial(without, part="app"), "target-refused"),
    fault(
        "loopback only",
        "target-loopback odd",
        partial(fc.served, kind=fc.METRICS, body=b"x 1\n", loopback=True),
        *_LOAD,
    ),
)

FAULTS: Final = (*STACK_FAULTS, *_FILES, *_TARGETS)
