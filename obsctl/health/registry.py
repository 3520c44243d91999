"""All checks, in the order of their layers: a new component adds its lines here."""

from typing import Final

from obsctl.health.asking.run import Check
from obsctl.health.checks import (
    alertmanager,
    bugsink,
    cadvisor,
    cardinality,
    clock,
    containers,
    elasticsearch,
    errors,
    grafana,
    kibana,
    logstash,
    notifications,
    panels,
    project,
    prometheus,
    rules,
    secret_files,
    storage,
    targets,
)

_READINESS: Final = (
    Check("readiness", "prometheus", "is ready", prometheus.ready, ("prometheus",)),
    Check("readiness", "alertmanager", "is ready", alertmanager.ready, ("alertmanager",)),
    Check("readiness", "grafana", "is ready", grafana.ready, ("grafana",)),
    Check("readiness", "grafana", "accepts our login", grafana.login, ("grafana",)),
    Check("readiness", "elasticsearch", "is ready", elasticsearch.ready, ("elasticsearch",)),
    Check("readiness", "logstash", "is ready", logstash.ready, ("logstash",)),
    Check("readiness", "kibana", "is ready", kibana.ready, ("kibana",)),
    Check("readiness", "bugsink", "is ready", bugsink.ready, ("bugsink",)),
)

_CONFIGURATION: Final = (
    Check("configuration", "stack/", "is current", project.stack_is_current),
    *(
        Check("configuration", "secrets/", claim, function)
        for claim, function in (
            ("are usable", secret_files.usable),
            ("are loaded", secret_files.loaded),
            ("certificates are valid for long", secret_files.certificates),
            ("are unknown to git", secret_files.untracked),
        )
    ),
    *(
        Check("configuration", "prometheus", claim, function, ("prometheus",))
        for claim, function in (
            ("has loaded prometheus.yml", prometheus.configuration),
            ("runs with the rendered flags", prometheus.flags),
            ("has loaded the rendered rules", prometheus.rules),
        )
    ),
    Check(
        "configuration",
        "alertmanager",
        "has loaded alertmanager.yml",
        alertmanager.configuration,
        ("alertmanager",),
    ),
    Check("configuration", "grafana", "has the datasources", grafana.datasources, ("grafana",)),
    Check("configuration", "grafana", "has the dashboards", grafana.dashboards, ("grafana",)),
    *(
        Check("configuration", "elasticsearch", claim, function, ("elasticsearch",))
        for claim, function in (
            ("accepts every login", elasticsearch.logins),
            ("retention is applied", elasticsearch.retention),
            ("its licence has no end", elasticsearch.licence),
        )
    ),
    Check(
        "configuration",
        "logstash",
        "has loaded the pipeline",
        logstash.configuration,
        ("logstash",),
    ),
)

_KIBANA: Final = Check(
    "configuration", "kibana", "has the data view", kibana.data_view, ("kibana", "elasticsearch")
)

_SIGNALS: Final = (
    *(
        Check("signals", "prometheus", claim, function, ("prometheus",))
        for claim, function in (
            ("its targets are scraped", targets.targets_up),
            ("what exporters watch is up", targets.backends_up),
            ("probes succeed", targets.probes_succeed),
            ("certificates are valid for long", targets.certificates),
            ("scrapes are in time", targets.slow_scrapes),
            ("rules work", rules.rules_work),
            ("sends its alerts to Alertmanager", alertmanager.known),
            ("cAdvisor sees the containers", cadvisor.containers_have_names),
            ("series stay few enough", cardinality.series_stay_few),
            ("its data fits on the disk", storage.prometheus_fits),
            ("clocks agree", clock.clocks_agree),
            ("panels answer", panels.panels_answer),
        )
    ),
    Check(
        "signals",
        "alertmanager",
        "alerts arrive from Prometheus",
        alertmanager.watchdog,
        ("alertmanager", "prometheus"),
    ),
    Check(
        "signals",
        "alertmanager",
        "its notifications are delivered",
        notifications.notifications,
        ("alertmanager", "prometheus"),
    ),
    Check(
        "signals", "grafana", "can query its datasources", grafana.datasource_health, ("grafana",)
    ),
    Check("signals", "logstash", "passes its events on", logstash.losses, ("logstash",)),
    Check(
        "signals",
        "elasticsearch",
        "its disk has room",
        storage.elasticsearch_has_room,
        ("elasticsearch",),
    ),
    Check("signals", "elasticsearch", "its data fits", storage.logs_fit, ("elasticsearch",)),
    Check(
        "signals",
        "grafana",
        "its log panels answer",
        panels.log_panels_answer,
        ("grafana", "elasticsearch"),
    ),
)

CHECKS: Final = (
    Check("containers", "containers", "run", containers.containers_run, seconds=30),
    *_READINESS,
    *_CONFIGURATION,
    _KIBANA,
    *errors.CHECKS,
    *_SIGNALS,
)
