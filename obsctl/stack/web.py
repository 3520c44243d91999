"""Web access: a login and TLS in front of Prometheus, Alertmanager and the exporters."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from obsctl.conventions import (
    AUTHORITY,
    CERTIFICATE,
    CERTIFICATE_KEY,
    KIBANA_KEYS,
    WEB_CONFIG,
    WEB_HASH,
)
from obsctl.project.derived import Derived, hosts_of
from obsctl.project.schema import Project
from obsctl.stack.model import Access, Healthcheck, ScrapeJob, Service

SECRETS = "/run/secrets"
# Answers to a plain request without a login, by TLS and its absence: it serves, and is closed.
_REFUSALS = {False: "401", True: "400"}


def web_access(project: Project) -> Access | None:
    """What stack.web asks for."""
    web = project.stack.web
    return Access(web.tls, web.user, web.password.secret) if web else None


def guarded(
    service: Service, web: Access | None, port: int, flag: str = "--web.config.file"
) -> Service:
    """The service behind web access; its configuration holds a hash, so that is a secret too."""
    if web is None:
        return service
    own = WEB_CONFIG.format(service.name)
    service = with_secrets(service, (own, *(certificate_secrets(service.name) if web.tls else ())))
    command = (*service.command, f"{flag}={SECRETS}/{own}")
    service = replace(service, command=command, access=web)
    return with_login(service, web) if service.name == "prometheus" else closed(service, web, port)


def with_login(service: Service, web: Access | None) -> Service:
    """A service that logs in at others."""
    if web is None:
        return service
    return with_secrets(service, (web.secret, *((AUTHORITY,) if web.tls else ())))


def with_secrets(service: Service, names: Iterable[str]) -> Service:
    """The service with more secrets, each once."""
    return replace(service, secrets=tuple(sorted({*service.secrets, *names})))


def certificate_secrets(service: str) -> tuple[str, str]:
    """What a server needs."""
    return CERTIFICATE.format(service), CERTIFICATE_KEY.format(service)


def derived(project: Project, services: Iterable[Service], web: Access | None) -> Derived:
    """The secrets that are made from others for these services."""
    every = tuple(services)
    behind = [service for service in every if service.access is not None]
    return Derived(
        user=web.user if web else "",
        secret=web.secret if web else "",
        guarded=_having(behind, WEB_CONFIG),
        hashed=_having(behind, WEB_HASH),
        encrypted=tuple(sorted(one.name for one in behind if one.access and one.access.tls)),
        hosts=hosts_of(project),
        former=(KIBANA_KEYS,) if any(KIBANA_KEYS in one.secrets for one in every) else (),
    )


def _having(services: Iterable[Service], form: str) -> tuple[str, ...]:
    return tuple(sorted(one.name for one in services if form.format(one.name) in one.secrets))


def closed(service: Service, web: Access, port: int) -> Service:
    """A health check that needs no password, as wget takes one on its command line only."""
    if service.healthcheck is None:
        return service
    lent = next((word for word in service.healthcheck.test if word.endswith("/busybox")), None)
    tool = f"{lent} " if lent else ""
    ask = f"{tool}wget -O /dev/null http://127.0.0.1:{port}/ 2>&1"
    shell = ("CMD", lent, "sh", "-c") if lent else ("CMD-SHELL",)
    test = (*shell, f"{ask} | {tool}grep -q {_REFUSALS[web.tls]}")
    return replace(service, healthcheck=Healthcheck(test))


def scraped_with_login(
    jobs: Iterable[ScrapeJob], services: Iterable[Service]
) -> Iterator[ScrapeJob]:
    """The jobs, each with the access of the part of the stack that it asks."""
    access = {service.name: service.access for service in services if service.access}
    for job in jobs:
        asked = "blackbox-exporter" if job.probe_module else job.targets[0].rpartition(":")[0]
        found = access.get(asked)
        yield replace(job, access=found, scheme=found.scheme) if found else job
