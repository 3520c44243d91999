"""Project and catalogue become the Stack: nothing is left to default after this stage."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from obsctl.catalog.files import (
    PROBE_KIND,
    STACK_KINDS,
    TARGET_KIND,
    available_kinds,
    own_catalog,
)
from obsctl.catalog.model import Catalog
from obsctl.conventions import PORTS
from obsctl.project.dashboards import OwnDashboard
from obsctl.project.findings import Findings
from obsctl.project.load import LoadedProject
from obsctl.project.schema import Project
from obsctl.project.secrets import sources_of
from obsctl.stack.alertmanager import alerting, alertmanager_service, receiver_secrets
from obsctl.stack.blackbox import blackbox_service
from obsctl.stack.budget import apply_budget
from obsctl.stack.bugsink import bugsink_service
from obsctl.stack.checks import check_project, unknown_kinds
from obsctl.stack.dashboards import build_dashboards
from obsctl.stack.elasticsearch import (
    authority_secrets,
    elasticsearch_service,
    elasticsearch_url,
    logging,
    setup_service,
)
from obsctl.stack.endpoints import endpoints
from obsctl.stack.error_tracking import check_error_tracking, error_tracking
from obsctl.stack.exporters import exporter_services, own_exporter_services
from obsctl.stack.grafana import datasources, grafana_service
from obsctl.stack.images import Images
from obsctl.stack.instrumentation import instrumentation
from obsctl.stack.kibana import kibana_service, kibana_setup_service
from obsctl.stack.logstash import logstash_service
from obsctl.stack.model import Patch, Service, Stack
from obsctl.stack.optional import optional_metrics
from obsctl.stack.own import has_probes, own_jobs
from obsctl.stack.ports import check_ports
from obsctl.stack.prometheus import prometheus_service, scrape_jobs
from obsctl.stack.rules import build_rules
from obsctl.stack.web import (
    guarded,
    scraped_with_login,
    web_access,
    with_login,
    with_secrets,
)


def kinds_of(project: Project) -> tuple[str, ...]:
    """The kinds that a project needs: its services' and the stack's own."""
    own = [job.kind for job in own_jobs(project) if job.kind != TARGET_KIND]
    if project.probes:
        own.append(PROBE_KIND)
    return tuple(dict.fromkeys([*(s.kind for s in project.services.values()), *own]))


def resolve(
    loaded: LoadedProject, catalog: Catalog, own_dashboards: Sequence[OwnDashboard] = ()
) -> Stack:
    """Raises ProjectFileError with every problem that the sections have with each other."""
    project = loaded.project
    findings = Findings(loaded.document, loaded.muted)
    check_project(project, catalog, findings)
    check_ports(project, findings)
    project, budget = apply_budget(project, catalog, findings)
    check_error_tracking(project, catalog, findings)
    images = Images(project, catalog, findings)
    _check_kinds(loaded, catalog, findings)
    rules = build_rules(project, catalog, findings)
    has_grafana = "grafana" not in project.stack.without
    dashboards = (
        build_dashboards(project, catalog, findings, runbooks=rules.runbooks, own=own_dashboards)
        if has_grafana
        else ()
    )
    findings.raise_any()
    services = tuple(_in_networks(_services(project, catalog, images), project))
    has_logs = "elk" not in project.stack.without
    errors = error_tracking(project, catalog)
    sources = sources_of(project).values()
    return Stack(
        project=project.project,
        environment=project.environment,
        services=services,
        volumes=_names(mount.volume for service in services for mount in service.volumes),
        secrets=_names(secret for service in services for secret in service.secrets),
        scrape_interval=project.stack.prometheus.scrape_interval,
        evaluation_interval=project.stack.prometheus.evaluation_interval,
        scrape_jobs=tuple(scraped_with_login(scrape_jobs(project, catalog), services)),
        rule_groups=rules.groups,
        rule_tests=rules.tests,
        alerting=alerting(project, catalog),
        datasources=datasources(project, elasticsearch_url(project) if has_logs else None)
        if has_grafana
        else (),
        dashboards=dashboards,
        runbooks=rules.runbooks,
        logging=logging(project) if has_logs else None,
        endpoints=tuple(endpoints(project, errors)),
        patches=tuple(_patches(loaded)),
        web=web_access(project),
        optional_metrics=optional_metrics(project, catalog, findings),
        instrumentation=instrumentation(project, catalog, findings),
        errors=errors,
        secret_files=_names(one.words[0] for one in sources if one.kind == "file"),
        budget=budget,
    )


def _check_kinds(loaded: LoadedProject, catalog: Catalog, findings: Findings) -> None:
    """A kind of which the file is there but not in the catalogue has problems of its own."""
    project = loaded.project
    kinds = catalog.kinds.keys() - STACK_KINDS
    if all(service.kind in kinds for service in project.services.values()):
        return
    known = available_kinds(own_catalog(loaded.document.path))
    for name, hint in unknown_kinds(project, catalog, known).items():
        kind = project.services[name].kind
        if kind not in known:
            findings.add(("services", name, "kind"), f"unknown kind `{kind}`", hint)


def _patches(loaded: LoadedProject) -> Iterator[Patch]:
    document = loaded.document
    for path, content in loaded.project.patches.items():
        location = document.locate(("patches", path), key=True)
        message = f"`{path}` is no YAML or JSON file of the stack"
        yield Patch(path, content, document.problem(message, location))


def _services(project: Project, catalog: Catalog, images: Images) -> Iterator[Service]:
    without = project.stack.without
    has_logs = "elk" not in without
    web = web_access(project)
    yield guarded(prometheus_service(project, images), web, PORTS["prometheus"])
    alertmanager = alertmanager_service(project, images, receiver_secrets(project))
    yield guarded(alertmanager, web, PORTS["alertmanager"])
    if "grafana" not in without:
        grafana = grafana_service(project, images, with_logs=has_logs)
        yield with_secrets(with_login(grafana, web), authority_secrets(project) if has_logs else ())
    if has_probes(project):
        yield guarded(blackbox_service(images), web, PORTS["blackbox-exporter"])
    if project.errors and project.errors.bugsink:
        yield bugsink_service(project, project.errors.bugsink, images)
    yield from exporter_services(project, catalog, images)
    if has_logs:
        yield elasticsearch_service(project, images)
        yield setup_service(project, images)
        yield logstash_service(project, images, logging(project))
        yield from own_exporter_services(project, catalog, images)
        if "kibana" not in without:
            yield kibana_service(project, images)
            yield kibana_setup_service(images)


def _in_networks(services: Iterator[Service], project: Project) -> Iterator[Service]:
    """Who asks what runs outside of the stack is in the application's networks as well."""
    networks = tuple(dict.fromkeys(project.stack.networks))
    for service in services:
        yield replace(service, networks=networks) if service.host_gateway else service


def _names(names: Iterator[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names)))
