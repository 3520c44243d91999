"""Rules across the sections of obsctl.yaml: what contradicts what, each at its place."""

import difflib
from collections.abc import Iterable, Sequence

from obsctl.catalog.exporter_text import needs_address
from obsctl.catalog.files import PROBE_KIND, STACK_KINDS
from obsctl.catalog.model import Catalog, Kind
from obsctl.project.choices import beside
from obsctl.project.document import KeyPath
from obsctl.project.findings import Findings
from obsctl.project.quantities import Size
from obsctl.project.schema import Project
from obsctl.project.schema import Service as Watched
from obsctl.project.secrets import own_names
from obsctl.project.sourcing import references_to
from obsctl.stack.alertmanager import NULL_RECEIVER
from obsctl.stack.error_tracking import BUGSINK
from obsctl.stack.exporters import SHELL
from obsctl.stack.parts import LEAST_MIB
from obsctl.stack.prometheus import PROBE_JOB

RESERVED = frozenset(
    {
        "alertmanager",
        "blackbox-exporter",
        "bugsink",
        "elasticsearch",
        "elasticsearch-exporter",
        "elasticsearch-setup",
        "grafana",
        "kibana",
        "kibana-setup",
        "logstash",
        "logstash-exporter",
        "prometheus",
        PROBE_JOB,
        SHELL,
    }
)


def check_project(project: Project, catalog: Catalog, findings: Findings) -> None:
    """Add everything to `findings` that the schema alone cannot see."""
    _names(project, findings)
    for name, service in project.services.items():
        kind = catalog.kinds.get(service.kind)
        if kind:
            _service(name, service, kind, findings)
    _notifications(project, findings)
    _secrets(project, findings)
    _stack(project, findings)
    _networks(project, findings)
    _left_out(project, findings)


def unknown_kinds(project: Project, catalog: Catalog, known: Iterable[str]) -> dict[str, str]:
    """Service -> what is wrong with its kind, for kinds that the catalogue does not hold."""
    names = sorted(known)
    return {
        name: kind_hint(service.kind, names)
        for name, service in project.services.items()
        if service.kind not in catalog.kinds or service.kind in STACK_KINDS
    }


def kind_hint(kind: str, known: Sequence[str]) -> str:
    """What to write in place of a kind that no service can have."""
    if kind == PROBE_KIND:
        return "write its URL under `probes`"
    near = difflib.get_close_matches(kind, known, 1)
    return f"did you mean `{near[0]}`?" if near else f"kinds are: {', '.join(known)}"


def _names(project: Project, findings: Findings) -> None:
    """Every service is a scrape job, and its exporter a container of the stack."""
    taken = dict.fromkeys(RESERVED, "part of the stack itself")
    taken |= {f"{name}-exporter": f"the exporter of `{name}`" for name in project.services}
    for name in project.services:
        if name.lower() in taken:
            message = f"`{name}` is the name of {taken[name.lower()]}"
            findings.add(("services", name), message, "choose another name", key=True)


def _service(name: str, service: Watched, kind: Kind, findings: Findings) -> None:
    path = ("services", name)
    if kind.exporter is None:
        _scraped(path, service, kind, findings)
    else:
        _exported(path, service, kind, findings)
    takes_credentials = kind.exporter is not None and kind.exporter.credentials is not None
    if service.credentials and not takes_credentials:
        message = f"kind `{kind.name}` takes no credentials"
        findings.add((*path, "credentials"), message, key=True)


def _scraped(path: KeyPath, service: Watched, kind: Kind, findings: Findings) -> None:
    if service.address is not None:
        message = f"kind `{kind.name}` serves its metrics itself and takes no `address`"
        findings.add((*path, "address"), message, "write `targets: [host:port]`", key=True)
    elif not service.targets:
        message = f"kind `{kind.name}` needs `targets`"
        findings.add((*path, "targets"), message, "write `targets: [host:port]`", key=True)


def _exported(path: KeyPath, service: Watched, kind: Kind, findings: Findings) -> None:
    exporter = kind.exporter
    wants_address = exporter is not None and needs_address(exporter)
    if service.targets:
        message = f"kind `{kind.name}` is scraped through an exporter of the stack"
        hint = "write `address: host:port`" if wants_address else "leave `targets` out"
        findings.add((*path, "targets"), message, hint, key=True)
    if service.address is None:
        if wants_address and not service.targets:
            message = f"kind `{kind.name}` needs an `address`"
            findings.add((*path, "address"), message, "write `address: host:port`", key=True)
    elif not wants_address:
        message = f"kind `{kind.name}` watches the Docker host and takes no `address`"
        findings.add((*path, "address"), message, key=True)


def _notifications(project: Project, findings: Findings) -> None:
    used = {name for _, names in project.notifications.routes for name in names}
    for name in project.notifications.receivers:
        path = ("notifications", "receivers", name)
        if name == NULL_RECEIVER:
            message = f"`{name}` is the receiver of what goes nowhere"
            findings.add(path, message, "choose another name", key=True)
        if name not in used:
            hint = "name it under `notifications.routes`"
            findings.add(path, f"receiver `{name}` is on no route", hint, key=True)


def _secrets(project: Project, findings: Findings) -> None:
    """What a component of the stack signs in or encrypts with is for nobody else to be told."""
    for name in sorted(own_names(project)):
        for path in references_to(name, findings.document.data):
            message = f"`{name}` is a secret of the stack's own"
            findings.add(path, message, "choose another name; a new one is a file of its own")


def _stack(project: Project, findings: Findings) -> None:
    limits: dict[KeyPath, Size] = {
        ("stack", component): getattr(project.stack, component).memory
        for component in LEAST_MIB
        if component != BUGSINK
    }
    if project.errors and project.errors.bugsink:
        limits["errors", BUGSINK] = project.errors.bugsink.memory
    for path, memory in limits.items():
        component = str(path[-1])
        least = LEAST_MIB[component]
        if memory.bytes < least * 2**20:
            message = f"{memory} is too little for {component}; it needs at least {least}MiB"
            findings.add((*path, "memory"), message)


def _networks(project: Project, findings: Findings) -> None:
    """Compose tells containers apart by their project: an application's has another one."""
    name = project.project
    for index, network in enumerate(project.stack.networks):
        if network == f"{name}_default":
            message = f"`{network}` is of a compose project that is called `{name}` as well"
            hint = f"call this one otherwise, such as `project: {beside(name)}`"
            findings.add(("stack", "networks", index), message, hint)


def _left_out(project: Project, findings: Findings) -> None:
    """Settings of parts that `stack.without` leaves out would be read and then ignored."""
    without = project.stack.without
    given = project.stack.model_fields_set
    parts = {"elk": ("elasticsearch", "logstash", "kibana"), "kibana": ("kibana",)}
    parts["grafana"] = ("grafana",)
    for part in dict.fromkeys(without):
        hint = f"remove it, or `{part}` from `stack.without`"
        for component in parts[part]:
            if component in given:
                message = f"`{component}` is set, but left out of the stack"
                findings.add(("stack", component), message, hint, key=True)
    if "elk" in without and "logs" in project.model_fields_set:
        message = "`logs` is set, but there is nothing to hold them"
        findings.add(("logs",), message, "remove it, or `elk` from `stack.without`", key=True)
    if "grafana" in without and project.dashboards:
        message = "`dashboards` is set, but there is no Grafana to show them"
        hint = "remove it, or `grafana` from `stack.without`"
        findings.add(("dashboards",), message, hint, key=True)
