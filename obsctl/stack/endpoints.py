"""What a person opens once the stack is up."""

from collections.abc import Iterator

from obsctl.project.schema import Project
from obsctl.stack.error_model import ErrorTracking
from obsctl.stack.error_tracking import endpoints as error_endpoints
from obsctl.stack.model import Endpoint
from obsctl.stack.prometheus import published_url


def endpoints(project: Project, errors: ErrorTracking | None) -> Iterator[Endpoint]:
    """Pages first, in the order of use; then where errors and log lines are sent."""
    stack, without = project.stack, project.stack.without
    web = stack.web
    note = f"user {web.user}, password in secrets/{web.password.secret}" if web else ""
    tls = web is not None and web.tls
    pages = [
        ("Prometheus", stack.prometheus.port, note, tls),
        ("Alertmanager", stack.alertmanager.port, note, tls),
    ]
    if "grafana" not in without:
        note = "user admin, password in secrets/grafana_admin_password"
        pages.insert(0, ("Grafana", stack.grafana.port, note, False))
    if "elk" not in without:
        note = "user elastic, password in secrets/elastic_password"
        if "kibana" not in without:
            pages.append(("Kibana", stack.kibana.port, note, False))
        elasticsearch = stack.elasticsearch
        pages.append(("Elasticsearch", elasticsearch.port, note, elasticsearch.tls))
    for component, port, note, tls in pages:
        yield Endpoint(component, published_url(project, port, tls=tls), note)
    yield from error_endpoints(project, errors)
    if "elk" not in without:
        yield from _inputs(project)


def _inputs(project: Project) -> Iterator[Endpoint]:
    notes = {
        "tcp": ("tcp", "JSON, one event per line"),
        "beats": ("tcp", "Filebeat and other Beats"),
        "gelf": ("udp", "GELF"),
    }
    for kind, entry in project.logs.inputs:
        if entry is not None:
            scheme, note = notes[kind]
            url = published_url(project, entry.port).replace("http", scheme, 1)
            yield Endpoint(f"logs ({kind})", url, note)
