"""Prometheus: its container, and what it scrapes."""

from collections.abc import Iterator
from pathlib import PurePosixPath

from obsctl.catalog.model import Catalog
from obsctl.conventions import PORTS
from obsctl.project.addresses import Address
from obsctl.project.error_tracking import Bugsink
from obsctl.project.schema import Project
from obsctl.project.settings import (
    AlertmanagerSettings,
    GrafanaSettings,
    KibanaSettings,
    PrometheusSettings,
)
from obsctl.stack.address import inside, url_inside
from obsctl.stack.images import Images
from obsctl.stack.model import (
    Access,
    DirectoryMount,
    Healthcheck,
    Port,
    ScrapeJob,
    Service,
    VolumeMount,
)
from obsctl.stack.own import own_jobs
from obsctl.stack.web import web_access

Page = PrometheusSettings | AlertmanagerSettings | GrafanaSettings | KibanaSettings | Bugsink
PROBE_JOB = "probe"
PROBE_MODULE = "http_2xx"
_PORT = PORTS["prometheus"]


def prometheus_service(project: Project, images: Images) -> Service:
    """Retention is a flag, not configuration: a changed one is seen and recreates Prometheus."""
    settings = project.stack.prometheus
    return Service(
        name="prometheus",
        image=images.name("prometheus"),
        user="65534:65534",
        command=(
            "--config.file=/etc/prometheus/prometheus.yml",
            "--storage.tsdb.path=/prometheus",
            f"--storage.tsdb.retention.time={settings.retention}",
            *_size_limit(settings),
            # By default any page that a browser on this machine has open may read all metrics.
            "--web.cors.origin=none",
            "--web.enable-lifecycle",
            f"--web.external-url={page_url(project, settings)}/",
            "--web.route-prefix=/",
        ),
        directories=(DirectoryMount(PurePosixPath("prometheus"), "/etc/prometheus", hot=True),),
        volumes=(VolumeMount("prometheus_data", "/prometheus"),),
        ports=(Port(project.stack.bind, settings.port, _PORT),),
        # promtool is in every variant of the image, wget is not.
        healthcheck=Healthcheck(
            ("CMD", "/bin/promtool", "check", "ready", *_how_to_ask(web_access(project)))
        ),
        memory_bytes=settings.memory.bytes,
        host_gateway=True,
        stop_grace_s=60,  # the head block is written out
        reload=f"http:{_PORT}/-/reload",
        ready=f"{_PORT}/-/ready",
    )


def _size_limit(settings: PrometheusSettings) -> tuple[str, ...]:
    """In its own spelling: MB are 2**20 bytes to Prometheus."""
    size = settings.retention_size
    return (f"--storage.tsdb.retention.size={size.bytes // 2**20}MB",) if size else ()


def _how_to_ask(web: Access | None) -> tuple[str, ...]:
    url = f"--url={web.scheme if web else 'http'}://127.0.0.1:{_PORT}"
    return (url, "--http.config.file=/etc/prometheus/web_client.yml") if web else (url,)


def published_url(project: Project, port: int, *, tls: bool = False) -> str:
    """Where a person on the Docker host opens a published port; no slash at the end."""
    bind = project.stack.bind
    local = bind in {"127.0.0.1", "0.0.0.0", "::", "::1"}  # noqa: S104 - compared, not bound
    return f"http{'s' if tls else ''}://{Address('localhost' if local else bind, port)}"


def page_url(project: Project, page: Page) -> str:
    """Where people open a page of the stack: its public URL, else the published port."""
    if page.url:
        return page.url.rstrip("/")
    web = project.stack.web
    guarded = isinstance(page, PrometheusSettings | AlertmanagerSettings)
    return published_url(project, page.port, tls=guarded and web is not None and web.tls)


def scrape_jobs(project: Project, catalog: Catalog) -> tuple[ScrapeJob, ...]:
    """One job per service under its own name, then the probes, then the stack itself."""
    jobs = [_service_job(project, catalog, name) for name in project.services]
    if project.probes:
        jobs.append(_probe_job(project))
    return (*jobs, *_own_jobs(project, catalog))


def _service_job(project: Project, catalog: Catalog, name: str) -> ScrapeJob:
    service = project.services[name]
    kind = catalog.kinds[service.kind]
    if kind.exporter:
        targets: tuple[str, ...] = (f"{name}-exporter:{kind.exporter.port}",)
    else:
        targets = tuple(str(inside(target)) for target in service.targets)
    return ScrapeJob(
        name=name,
        targets=targets,
        metrics_path=service.metrics_path or kind.metrics_path,
        scheme=service.scheme,
        labels=_labels(project, name, service.system),
        interval=service.scrape_interval,
    )


def _probe_job(project: Project) -> ScrapeJob:
    urls = tuple(url_inside(url) for url in project.probes)
    return _probing(PROBE_JOB, urls, _labels(project, PROBE_JOB))


def _probing(name: str, urls: tuple[str, ...], labels: dict[str, str]) -> ScrapeJob:
    return ScrapeJob(name, urls, "/probe", labels=labels, probe_module=PROBE_MODULE)


def _own_jobs(project: Project, catalog: Catalog) -> Iterator[ScrapeJob]:
    for job in own_jobs(project):
        labels = _labels(project, job.name)
        if job.probed_url:
            yield _probing(job.name, (job.probed_url,), labels)
        else:
            yield ScrapeJob(job.name, (job.target(catalog),), labels=labels)


def _labels(project: Project, service: str, system: str | None = None) -> dict[str, str]:
    return {
        "service": service,
        "system": system or project.project,
        "environment": project.environment,
    }
