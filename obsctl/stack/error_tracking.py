"""Which services report errors, to whom, and where each finds its DSN."""

from collections.abc import Iterator

from obsctl.catalog.model import Catalog
from obsctl.conventions import PORTS, SECRETS_DIRECTORY
from obsctl.project import secrets
from obsctl.project.addresses import parse_address
from obsctl.project.error_tracking import Bugsink
from obsctl.project.findings import Findings
from obsctl.project.schema import Project
from obsctl.stack.address import is_docker_host
from obsctl.stack.error_model import ErrorProject, ErrorTracking
from obsctl.stack.model import Endpoint
from obsctl.stack.prometheus import page_url

BUGSINK = "bugsink"
APP_CATEGORY = "app"  # of the kinds that are programs of the user's


def error_tracking(project: Project, catalog: Catalog) -> ErrorTracking | None:
    """None where nobody collects errors."""
    errors = project.errors
    if errors is None:
        return None
    projects = tuple(_projects(project, catalog))
    if errors.bugsink is None:
        return ErrorTracking("sentry", projects)
    bugsink = errors.bugsink
    return ErrorTracking(BUGSINK, projects, project.project, bugsink.admin, bugsink.events)


def _projects(project: Project, catalog: Catalog) -> Iterator[ErrorProject]:
    errors = project.errors
    for name, service in project.services.items():
        kind = catalog.kinds.get(service.kind)
        if errors and kind and kind.category == APP_CATEGORY:
            bugsink = errors.bugsink
            origin = _origin(project, bugsink, service.targets) if bugsink else ""
            yield ErrorProject(name, errors.dsn_secret(name), origin)


def _origin(project: Project, bugsink: Bugsink, targets: tuple[str, ...]) -> str:
    """An application in a network of the stack's reaches it by name; the rest by its URL."""
    hosts = [parse_address(target).host for target in targets]
    inside = project.stack.networks and not any(map(is_docker_host, hosts))
    if inside and bugsink.url is None:
        return f"http://{BUGSINK}:{PORTS[BUGSINK]}"
    return page_url(project, bugsink)


def check_error_tracking(project: Project, catalog: Catalog, findings: Findings) -> None:
    """Add what cannot work: nobody reports, or two services would share a file."""
    if project.errors is None:
        return
    projects = tuple(_projects(project, catalog))
    if project.services and not projects:
        message = "no service of this project reports errors"
        hint = "errors come from applications: kinds such as express, fastapi, spring, go, http"
        findings.add(("errors",), message, hint, key=True)
    if project.errors.bugsink:
        others = {*secrets.given_names(project), *secrets.generated_names(project)}
        for one in projects:
            if one.secret in others:
                message = f"`{one.secret}` is the file of the DSN of `{one.service}`"
                hint = "choose another name for the secret that has it"
                findings.add(("errors", "bugsink"), message, hint, key=True)


def endpoints(project: Project, tracking: ErrorTracking | None) -> Iterator[Endpoint]:
    """The tracker's page, and for each service the file that its SDK takes the DSN from."""
    errors = project.errors
    if errors and errors.bugsink:
        note = (
            f"user {errors.bugsink.admin}, password in {SECRETS_DIRECTORY}/bugsink_admin_password"
        )
        yield Endpoint("Bugsink", page_url(project, errors.bugsink), note)
    elif errors and errors.sentry and errors.sentry.url:
        yield Endpoint("Sentry", errors.sentry.url)
    for one in tracking.projects if tracking else ():
        path = f"{SECRETS_DIRECTORY}/{one.secret}"
        yield Endpoint(f"errors of {one.service}", path, f"SENTRY_DSN_FILE={path}")
