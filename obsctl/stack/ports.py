"""Host ports: no two published by the stack, and none that a watched service holds already."""

from dataclasses import dataclass

from obsctl.project.addresses import parse_address
from obsctl.project.document import KeyPath
from obsctl.project.findings import Findings
from obsctl.project.schema import Project
from obsctl.stack.address import is_docker_host


@dataclass(frozen=True, slots=True)
class _Claim:
    """Somebody's use of a port of the Docker host."""

    owner: str
    port: int
    protocol: str
    path: KeyPath
    is_given: bool  # by the user; a default is nobody's mistake


def check_ports(project: Project, findings: Findings) -> None:
    """Add each clash once, at the setting that the user wrote."""
    taken: dict[tuple[str, int], _Claim] = {}
    for claim in _published(project):
        first = taken.setdefault((claim.protocol, claim.port), claim)
        if first is not claim:
            _clash(first, claim, findings)
    for claim in _watched(project):
        if (claim.protocol, claim.port) in taken:
            _clash(taken[claim.protocol, claim.port], claim, findings)


def port_setting(project: Project, service: str, port: int) -> KeyPath:
    """The path of the setting that makes a service of the stack publish `port`."""
    for kind, entry in project.logs.inputs:
        if service == "logstash" and entry is not None and entry.port == port:
            return ("logs", "inputs", kind, "port")
    if service == "bugsink":
        return ("errors", service, "port")
    return ("stack", service, "port")


def _clash(first: _Claim, second: _Claim, findings: Findings) -> None:
    at = second if second.is_given else first
    other = first if at is second else second
    setting = ".".join(str(key) for key in (first if at.path[0] == "services" else other).path)
    message = f"port {at.port} of {at.owner} is taken by {other.owner}"
    findings.add(at.path, message, f"set another `{setting}`")


def _published(project: Project) -> list[_Claim]:
    stack, without = project.stack, project.stack.without
    components = ["prometheus", "alertmanager"]
    if "grafana" not in without:
        components.append("grafana")
    if "elk" not in without:
        components += ["elasticsearch", "logstash"]
        components += [] if "kibana" in without else ["kibana"]
    claims = [
        _Claim(
            component,
            getattr(stack, component).port,
            "tcp",
            ("stack", component, "port"),
            "port" in getattr(stack, component).model_fields_set,
        )
        for component in components
    ]
    if project.errors and (bugsink := project.errors.bugsink):
        path = ("errors", "bugsink", "port")
        given = "port" in bugsink.model_fields_set
        claims.append(_Claim("bugsink", bugsink.port, "tcp", path, given))
    return claims + ([] if "elk" in without else _inputs(project))


def _inputs(project: Project) -> list[_Claim]:
    return [
        _Claim(
            f"the {kind} log input",
            entry.port,
            "udp" if kind == "gelf" else "tcp",
            ("logs", "inputs", kind, "port"),
            "port" in entry.model_fields_set,
        )
        for kind, entry in project.logs.inputs
        if entry is not None
    ]


def _watched(project: Project) -> list[_Claim]:
    claims = []
    for name, service in project.services.items():
        places: list[tuple[KeyPath, str]] = [
            (("services", name, "targets", index), target)
            for index, target in enumerate(service.targets)
        ]
        if service.address is not None:
            places.append((("services", name, "address"), service.address))
        for path, text in places:
            address = parse_address(text)
            if is_docker_host(address.host):
                claims.append(_Claim(f"service `{name}`", address.port, "tcp", path, is_given=True))
    return claims
