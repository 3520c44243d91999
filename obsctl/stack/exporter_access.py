"""Web access of exporters: by the file that most of them share, or by flags of their own."""

import textwrap
from dataclasses import replace

from obsctl.catalog.model import Exporter, WebFlags
from obsctl.conventions import WEB_HASH
from obsctl.stack.model import Access, Service
from obsctl.stack.web import SECRETS, certificate_secrets, closed, guarded, with_secrets

_WHY = "takes the hash of its web password from its environment only; a file under secrets/ has it"


def behind_access(service: Service, exporter: Exporter, web: Access | None) -> Service:
    """The exporter with a login and TLS in front of it, where it knows a way."""
    if web is None:
        return service
    if exporter.web_config:
        return guarded(service, web, exporter.port, exporter.web_config_flag)
    if exporter.web_flags:
        return _by_flags(service, exporter, exporter.web_flags, web)
    return service


def _by_flags(service: Service, exporter: Exporter, flags: WebFlags, web: Access) -> Service:
    own = WEB_HASH.format(service.name)
    names, command = [own], [f"{flags.user}={web.user}"]
    if web.tls:
        certificate, key = certificate_secrets(service.name)
        names += [certificate, key]
        command += [f"{flags.certificate}={SECRETS}/{certificate}", f"{flags.key}={SECRETS}/{key}"]
    variable = flags.hash_variable
    script = f'{variable}="$(cat {SECRETS}/{own})"\nexport {variable}\n{_script(service, exporter)}'
    service = replace(
        with_secrets(service, names),
        command=(*service.command, *command),
        entrypoint=("/bin/sh", "-ec", script, service.name),
        comments=(*service.comments, *textwrap.wrap(f"{service.name}: {_WHY}", 94)),
        access=web,
    )
    return closed(service, web, exporter.port)


def _script(service: Service, exporter: Exporter) -> str:
    """What the container does at its start without web access."""
    return service.entrypoint[2] if service.entrypoint else started(exporter)


def started(exporter: Exporter) -> str:
    """The end of a start script: the exporter itself, with the command as its arguments."""
    return f'exec {quoted(exporter.program or "")} "$@"\n'


def quoted(text: str) -> str:
    """A text as one word of a shell."""
    return "'" + text.replace("'", "'\\''") + "'"
