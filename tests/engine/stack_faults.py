"""Faults in containers, secrets and the log store, and how a fault is written down."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

from tests.engine import fault_catalog as fc
from tests.engine.fault_catalog import Fault, Injection
from tests.engine.full_lab import FullLab

_PIPELINE: Final = "stack/logstash/pipeline/logstash.conf"


def swap(path: str, old: str, new: str) -> Injection:
    return partial(fc.edited, path=path, change=lambda text: text.replace(old, new, 1))


def written(path: str, text: str) -> Injection:
    return partial(fc.edited, path=path, change=lambda _: text)


@contextmanager
def without(lab: FullLab, part: str) -> Iterator[None]:
    """What the stack watches stops: its Redis, or its app."""
    container = getattr(lab.watched, part)
    container.stop(timeout=2)
    try:
        yield
    finally:
        container.start()


def fault(name: str, told: str, inject: Injection, *effects: str) -> Fault:
    code, _, subject = told.partition(" ")
    return Fault(name, code, subject, inject, frozenset(effects))


# What fires, and what panels lack, while something is down: told beside the cause.
_CONTAINERS: Final = (
    fault("stopped", "container-exited grafana", partial(fc.stopped, service="grafana")),
    fault(
        "exporter stopped",
        "container-exited redis-exporter",
        partial(fc.stopped, service="redis-exporter"),
    ),
    fault("paused", "container-paused kibana", partial(fc.paused, service="kibana")),
    fault(
        "lost", "container-missing blackbox-exporter", partial(fc.gone, service="blackbox-exporter")
    ),
    fault("hung", "no-answer alertmanager", partial(fc.hung, service="alertmanager")),
    fault(
        "changed and not applied",
        "container-outdated prometheus",
        partial(fc.rendered_only, old="  prometheus: {", new="  prometheus: { memory: 900MiB,"),
    ),
    fault(
        "flag edited by hand",
        "flags-differ prometheus",
        swap("stack/docker-compose.yml", "retention.time=15d", "retention.time=3d"),
        "stack-edited",
    ),
)
_SECRETS: Final = (
    fault(
        "grafana password",
        "grafana-password grafana",
        written("secrets/grafana_admin_password", "another-one"),
        "secret-unusable",
    ),
    fault(
        "elastic password",
        "elastic-password elasticsearch",
        written("secrets/elastic_password", "another-one"),
        "elastic-password",
        "secret-unusable",
    ),
    fault(
        "writer password",
        "user-password elasticsearch",
        # In Elasticsearch: a file that is put back stays newer than the containers that read it.
        partial(fc.password_in_elasticsearch, user="logstash_writer"),
    ),
    fault(
        "secret lost",
        "secret-missing elasticsearch",
        partial(fc.without_file, path="secrets/elastic_password"),
        "secret-unusable",
    ),
    fault(
        "reader password in Elasticsearch",
        "datasource-unhealthy grafana",
        partial(fc.password_in_elasticsearch, user="grafana_reader"),
        "user-password",
        "log-panel-error",
    ),
)
_ELASTIC: Final = (
    fault(
        "role lost", "role-missing elasticsearch", lambda lab: fc.role(lab, "logstash_writer", None)
    ),
    fault(
        "role cut",
        "privileges-missing elasticsearch",
        lambda lab: fc.role(lab, "logstash_writer", {"cluster": [], "indices": []}),
    ),
    fault("template lost", "template-missing elasticsearch", lambda lab: fc.template(lab, None)),
    fault(
        "other retention",
        "retention-differs elasticsearch",
        lambda lab: fc.template(lab, {"template": {"lifecycle": {"data_retention": "1d"}}}),
    ),
    fault(
        "other template",
        "template-differs elasticsearch",
        lambda lab: fc.template(
            lab,
            {
                "template": {
                    "settings": {
                        "index.number_of_replicas": 2,
                        "index.lifecycle.prefer_ilm": False,
                    },
                    "lifecycle": {"data_retention": "14d"},
                }
            },
        ),
    ),
    fault("disk nearly full", "disk-low elasticsearch", fc.disk_nearly_full),
    fault("full disk", "disk-flood elasticsearch", fc.full_disk),
    fault(
        "red",
        "cluster-red elasticsearch",
        partial(fc.misbehaving, component="elasticsearch", fault="unhealthy"),
        "datasource-unhealthy",
        "container-unhealthy",
    ),
    fault("data view lost", "data-view-missing kibana", fc.data_view_deleted),
    fault(
        "kibana without elasticsearch",
        "kibana-not-ready kibana",
        partial(fc.misbehaving, component="kibana", fault="unhealthy"),
        "container-unhealthy",
    ),
    fault(
        "pipeline down",
        "pipeline-not-running logstash",
        partial(fc.misbehaving, component="logstash", fault="unhealthy"),
        "container-unhealthy",
    ),
    fault(
        "pipeline of a stale mount",
        "pipeline-not-loaded logstash",
        partial(fc.stale_mount, path=_PIPELINE, old='"to_ecs"', new='"to_another"'),
        "stack-edited",
    ),
    fault(
        "setting of a plugin in a stale mount",
        "pipeline-not-loaded logstash",
        partial(fc.stale_mount, path=_PIPELINE, old="replace =>", new="update =>"),
        "stack-edited",
    ),
    fault(
        "pipeline broken",
        "pipeline-reload-failed logstash",
        swap(_PIPELINE, "output {", "output { ["),
        "stack-edited",
    ),
)

STACK_FAULTS: Final = (*_CONTAINERS, *_SECRETS, *_ELASTIC)
