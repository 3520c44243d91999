"""The exporter beside each backing service: turns its answers into metrics."""

import json
import textwrap
from collections.abc import Iterator
from dataclasses import replace

from obsctl.catalog.exporter_text import filled, needs_address
from obsctl.catalog.model import Catalog, Exporter, Kind
from obsctl.conventions import AUTHORITY, PORTS
from obsctl.project.schema import Credentials, Project, SecretReference
from obsctl.project.schema import Service as Watched
from obsctl.stack.address import inside
from obsctl.stack.elasticsearch import EXPORTER, EXPORTER_PASSWORD, SETUP
from obsctl.stack.elasticsearch import SERVICE as LOG_STORE
from obsctl.stack.exporter_access import behind_access, quoted, started
from obsctl.stack.images import Images
from obsctl.stack.kibana import KIBANA_SETUP
from obsctl.stack.model import (
    Dependency,
    Healthcheck,
    HostMount,
    Service,
    VolumeMount,
)
from obsctl.stack.web import SECRETS, web_access, with_secrets

SHELL = "exporter-shell"
SHELL_BYTES = 16 * 2**20  # of memory
_SHELL_VOLUME = "exporter_shell"
_SHELL_DIRECTORY = "/shell"
_PASSWORDS = "/tmp/passwords.json"  # noqa: S108 - a tmpfs of the container's own
_JSON_STRING = r"""sed -e 's/[\"]/\\&/g' -e 's/^/"/' -e 's/$/"/'"""
_LEND_SHELL = """\
cp /bin/busybox /tmp/.busybox
chmod 0555 /tmp/.busybox
mv -f /tmp/.busybox /tmp/busybox
"""
_BY_ENVIRONMENT = (
    "takes its password from its environment only; it is read from the secret's file at start"
    " and is in no configuration"
)
_WHY_SHELL = (
    "lends a static shell to exporters whose image has none, so that their password can be"
    " read from a file"
)
_WHY_WAIT = (
    "does not need kibana-setup; but `docker compose up --wait` takes the end of a service that"
    " none waits for as a failure"
)


def borrows_shell(exporter: Exporter) -> bool:
    """Whether one that logs in is started by a shell that its image does not have."""
    return exporter.credentials == "environment_from_file" and exporter.healthcheck is None


def exporter_services(project: Project, catalog: Catalog, images: Images) -> Iterator[Service]:
    """One per service whose kind has an exporter, then what these need themselves."""
    needs_shell = False
    for name, watched in project.services.items():
        kind = catalog.kinds[watched.kind]
        if kind.exporter is None:
            continue
        service = _exporter(name, kind, watched, images)
        service = behind_access(service, kind.exporter, web_access(project))
        needs_shell = needs_shell or any(d.service == SHELL for d in service.depends_on)
        yield service
    if needs_shell:
        yield _shell_service(images)


def own_exporter_services(project: Project, catalog: Catalog, images: Images) -> Iterator[Service]:
    """Those of the stack's own Elasticsearch and Logstash, each by its name in the network."""
    with_kibana = "kibana" not in project.stack.without
    login = Credentials(user=EXPORTER, password=SecretReference(secret=EXPORTER_PASSWORD))
    user_made = Dependency(SETUP, "service_completed_successfully")
    # `docker compose up --wait` lets only those end well that somebody waits for.
    set_up = Dependency(KIBANA_SETUP, "service_completed_successfully", required=False)
    for name, credentials, waits in (
        ("elasticsearch", login, (user_made,)),
        ("logstash", None, (set_up,) if with_kibana else ()),
    ):
        address = f"{name}:{PORTS[name]}"
        watched = Watched(kind=name, address=address, credentials=credentials)
        service = _exporter(name, catalog.kinds[name], watched, images)
        depends_on = (*service.depends_on, *waits)
        why = _comment(service.name, _WHY_WAIT) if set_up in waits else ()
        comments = (*service.comments, *why)
        service = replace(service, host_gateway=False, depends_on=depends_on, comments=comments)
        if name == LOG_STORE and project.stack.elasticsearch.tls:
            service = _trusting(service)
        exporter = catalog.kinds[name].exporter
        yield behind_access(service, exporter, web_access(project)) if exporter else service


def _trusting(service: Service) -> Service:
    """elasticsearch_exporter with the stack's own certificate in front of it."""
    command = tuple(text.replace("=http://", "=https://") for text in service.command)
    service = replace(service, command=(*command, f"--es.ca={SECRETS}/{AUTHORITY}"))
    return with_secrets(service, (AUTHORITY,))


def _exporter(name: str, kind: Kind, watched: Watched, images: Images) -> Service:
    exporter = kind.exporter
    assert exporter is not None  # noqa: S101 - the caller has looked
    settings = {**kind.settings, **watched.settings}
    values = {key: str(value) for key, value in settings.items()} | _values(exporter, watched)
    command, environment = exporter.command, exporter.environment
    if watched.credentials:
        command += exporter.command_with_credentials
        environment = {**environment, **exporter.environment_with_credentials}
    service = Service(
        name=f"{name}-exporter",
        image=images.name(exporter.image),
        user=exporter.user,
        command=tuple(filled(text, values) for text in command),
        environment={key: filled(text, values) for key, text in sorted(environment.items())},
        host_mounts=tuple(HostMount(source, target) for source, target in exporter.host_mounts),
        host_pid=exporter.host_pid,
        healthcheck=Healthcheck(exporter.healthcheck) if exporter.healthcheck else None,
        memory_bytes=exporter.memory_bytes,
        host_gateway=needs_address(exporter),
        ready=f"{exporter.port}{kind.metrics_path}",
        host_reason=exporter.reason or "",
        comments=_comment(f"{name}-exporter", exporter.reason) if exporter.reason else (),
    )
    return _with_password(service, exporter, watched)


def _values(exporter: Exporter, watched: Watched) -> dict[str, str]:
    values: dict[str, str] = {}
    if watched.address is not None:
        address = inside(watched.address)
        values |= {"address": str(address), "host": address.host, "port": str(address.port)}
    if watched.credentials:
        values["user"] = watched.credentials.user
        secret = f"/run/secrets/{watched.credentials.password.secret}"
        values["password_file"] = _PASSWORDS if exporter.credentials == "json_file" else secret
    return values


def _with_password(service: Service, exporter: Exporter, watched: Watched) -> Service:
    if watched.credentials is None:
        return service
    secret = watched.credentials.password.secret
    service = replace(service, secrets=(secret,))
    if exporter.credentials == "json_file":
        return _json_file(service, exporter, watched.credentials.user, secret)
    if exporter.credentials == "environment_from_file":
        return _environment_from_file(service, exporter, secret)
    return service


def _json_file(service: Service, exporter: Exporter, user: str, secret: str) -> Service:
    """A JSON map from URL to password, made at start: the exporter takes no bare password."""
    urls = [url for url in service.environment.values() if "://" in url]
    urls += [url.replace("://", f"://{user}@", 1) for url in urls]
    entries = "".join(
        f' {quoted(("," if index else "{") + json.dumps(url) + ":")} "$password"'
        for index, url in enumerate(urls)
    )
    script = (
        "umask 077\n"
        f'password="$({_JSON_STRING} /run/secrets/{secret})"\n'
        f"printf %s{entries} '}}' >{_PASSWORDS}\n"
        f"{started(exporter)}"
    )
    return replace(
        service,
        entrypoint=("/bin/sh", "-ec", script, service.name),
        tmpfs=("/tmp:size=1m,mode=1777",),  # noqa: S108 - holds the passwords' file
        comments=service.comments
        + _comment(service.name, "wants its password in a JSON map; it is made on tmpfs at start"),
    )


def _environment_from_file(service: Service, exporter: Exporter, secret: str) -> Service:
    """The shell that starts the exporter puts the password into its environment, nobody else."""
    path = f"/run/secrets/{secret}"
    has_shell = exporter.healthcheck is not None
    shell = ("/bin/sh",) if has_shell else (f"{_SHELL_DIRECTORY}/busybox", "sh")
    cat = "cat" if has_shell else f"{_SHELL_DIRECTORY}/busybox cat"
    key = exporter.password_variable
    script = f'{key}="$({cat} {path})"\nexport {key}\n{started(exporter)}'
    service = replace(
        service,
        entrypoint=(*shell, "-ec", script, service.name),
        comments=service.comments + _comment(service.name, _BY_ENVIRONMENT),
    )
    return service if has_shell else _with_shell(service, exporter.port)


def _with_shell(service: Service, port: int) -> Service:
    url = f"http://127.0.0.1:{port}/"
    return replace(
        service,
        volumes=(VolumeMount(_SHELL_VOLUME, _SHELL_DIRECTORY, read_only=True),),
        depends_on=(Dependency(SHELL, "service_completed_successfully"),),
        healthcheck=Healthcheck(
            ("CMD", f"{_SHELL_DIRECTORY}/busybox", "wget", "-qO", "/dev/null", url)
        ),
    )


def _shell_service(images: Images) -> Service:
    """Puts a static shell on a volume; the volume takes over the open mode of /tmp."""
    return Service(
        name=SHELL,
        image=images.name("busybox"),
        user="65534:65534",
        entrypoint=(
            "/bin/sh",
            "-ec",
            _LEND_SHELL,
        ),
        volumes=(VolumeMount(_SHELL_VOLUME, "/tmp"),),  # noqa: S108 - exists in the image, open
        memory_bytes=SHELL_BYTES,
        one_shot=True,
        comments=_comment(SHELL, _WHY_SHELL),
    )


def _comment(name: str, text: str) -> tuple[str, ...]:
    return tuple(textwrap.wrap(f"{name}: {text}", 94))
