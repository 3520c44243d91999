"""The containers of a project before they are resolved: who has a limit to set, who a fixed one."""

from collections.abc import Iterator
from typing import Final

from obsctl.catalog.model import Catalog
from obsctl.project.error_tracking import Bugsink
from obsctl.project.quantities import Size
from obsctl.project.schema import Project
from obsctl.project.settings import (
    AlertmanagerSettings,
    ElasticsearchSettings,
    GrafanaSettings,
    KibanaSettings,
    LogstashSettings,
    PrometheusSettings,
)
from obsctl.stack.blackbox import BLACKBOX, BLACKBOX_BYTES
from obsctl.stack.elasticsearch import SETUP, SETUP_BYTES
from obsctl.stack.error_tracking import BUGSINK
from obsctl.stack.exporters import SHELL, SHELL_BYTES, borrows_shell
from obsctl.stack.kibana import KIBANA_SETUP
from obsctl.stack.own import EXPORTED, has_probes

Settings = (
    PrometheusSettings
    | AlertmanagerSettings
    | GrafanaSettings
    | ElasticsearchSettings
    | LogstashSettings
    | KibanaSettings
    | Bugsink
)
# Below these a part does not start, or ends as soon as it is used.
LEAST_MIB: Final = {
    "prometheus": 64,
    "alertmanager": 32,
    "grafana": 128,
    "elasticsearch": 512,
    "logstash": 512,
    "kibana": 512,
    BUGSINK: 256,
}


def parts(project: Project) -> dict[str, Settings]:
    """The parts that are in the stack and have settings, by name."""
    stack, without = project.stack, project.stack.without
    found: dict[str, Settings] = {
        "prometheus": stack.prometheus,
        "alertmanager": stack.alertmanager,
    }
    if "grafana" not in without:
        found["grafana"] = stack.grafana
    if "elk" not in without:
        found |= {"elasticsearch": stack.elasticsearch, "logstash": stack.logstash}
        found |= {} if "kibana" in without else {"kibana": stack.kibana}
    if project.errors and project.errors.bugsink:
        found[BUGSINK] = project.errors.bugsink
    return found


def with_memory(project: Project, memory: dict[str, Size]) -> Project:
    """A copy in which these parts have these limits."""
    return _with(project, {name: {"memory": size} for name, size in memory.items()})


def with_retention_size(project: Project, size: Size) -> Project:
    """A copy in which Prometheus keeps at most so much."""
    return _with(project, {"prometheus": {"retention_size": size}})


def _with(project: Project, changes: dict[str, dict[str, Size]]) -> Project:
    present = parts(project)
    changed = {name: present[name].model_copy(update=new) for name, new in changes.items()}
    bugsink = changed.pop(BUGSINK, None)
    stack = project.stack.model_copy(update=dict(changed))
    update: dict[str, object] = {"stack": stack}
    if bugsink is not None and project.errors is not None:
        update["errors"] = project.errors.model_copy(update={BUGSINK: bugsink})
    return project.model_copy(update=update)


def helpers(project: Project, catalog: Catalog) -> dict[str, int]:
    """Every other container, and the bytes of memory that it may use."""
    return dict(_helpers(project, catalog))


def _helpers(project: Project, catalog: Catalog) -> Iterator[tuple[str, int]]:
    without = project.stack.without
    watched = [(name, one.kind, one.credentials) for name, one in project.services.items()]
    if "elk" not in without:
        watched += [(name, name, None) for name in EXPORTED]
        yield SETUP, SETUP_BYTES
        if "kibana" not in without:
            yield KIBANA_SETUP, SETUP_BYTES
    if has_probes(project):
        yield BLACKBOX, BLACKBOX_BYTES
    for name, kind, credentials in watched:
        exporter = catalog.kinds[kind].exporter if kind in catalog.kinds else None
        if exporter:
            yield f"{name}-exporter", exporter.memory_bytes
        if exporter and credentials and borrows_shell(exporter):
            yield SHELL, SHELL_BYTES
