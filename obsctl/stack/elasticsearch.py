"""Elasticsearch on one node with security on, and the one-shot that sets it up."""

import math
import re
from pathlib import PurePosixPath

from obsctl.conventions import AUTHORITY, PORTS
from obsctl.project.quantities import Duration
from obsctl.project.schema import Project
from obsctl.stack.grafana import READER_PASSWORD
from obsctl.stack.images import Images
from obsctl.stack.model import (
    Access,
    Dependency,
    DirectoryMount,
    Healthcheck,
    Logging,
    LogInput,
    Port,
    Service,
    VolumeMount,
)
from obsctl.stack.prometheus import published_url
from obsctl.stack.web import certificate_secrets

ELASTIC_PASSWORD = "elastic_password"  # noqa: S105 - names of secrets
KIBANA_PASSWORD = "kibana_system_password"  # noqa: S105
WRITER_PASSWORD = "logstash_writer_password"  # noqa: S105
EXPORTER, EXPORTER_PASSWORD = "es_exporter", "es_exporter_password"
SERVICE = "elasticsearch"
SETUP = "elasticsearch-setup"
SETUP_BYTES = 64 * 2**20  # of memory, of each one-shot
USER = "1000:0"
# runc before 1.2 forgets a tmpfs's mode when a container starts again, but not its owner.
_OWN = "mode=1777,uid=1000"
_PORT = PORTS["elasticsearch"]
_CONFIG = "/etc/elasticsearch"
# It reads files below its configuration only, and watches them: a renewed one is taken at once.
_CERTIFICATES = f"{_CONFIG}/certs"
# The image insists on a 0400 or 0600 file of its own user; a Compose secret is 0444. Its
# configuration is copied, because the keystore is made in it and the root file system is closed.
_START = f"""\
rm -rf /tmp/*
cp -r /usr/share/elasticsearch/config/. {_CONFIG}
umask 277
rm -f /dev/shm/elastic_password
cat /run/secrets/{ELASTIC_PASSWORD} >/dev/shm/elastic_password
umask 022
export ELASTIC_PASSWORD_FILE=/dev/shm/elastic_password
exec /usr/local/bin/docker-entrypoint.sh eswrapper
"""
_LOGS = "/usr/share/elasticsearch/logs"


def elasticsearch_url(project: Project) -> str:
    """Where the stack's other parts find it."""
    return f"http{'s' if project.stack.elasticsearch.tls else ''}://{SERVICE}:{_PORT}"


def authority_secrets(project: Project) -> tuple[str, ...]:
    """What a client needs to trust its certificate."""
    return (AUTHORITY,) if project.stack.elasticsearch.tls else ()


def _health(*, tls: bool) -> str:
    """401 is the answer of a node that serves and has security on."""
    how = f"--cacert /run/secrets/{AUTHORITY} https" if tls else "http"
    ask = f"curl -s -o /dev/null -m 4 -w '%{{http_code}}' {how}://127.0.0.1:{_PORT}/"
    return f"{ask} | grep -qE '^(200|401)$'"


def elasticsearch_service(project: Project, images: Images) -> Service:
    """The heap follows from the memory limit: the image takes half of it."""
    settings = project.stack.elasticsearch
    certificate = certificate_secrets(SERVICE) if settings.tls else ()
    return Service(
        name=SERVICE,
        image=images.name("elasticsearch"),
        user=USER,
        entrypoint=("/bin/bash", "-ec", _START),
        environment=_environment(project.project, tls=settings.tls),
        volumes=(
            VolumeMount("elasticsearch_data", "/usr/share/elasticsearch/data"),
            # Native libraries are loaded from there, which a tmpfs does not allow.
            VolumeMount("elasticsearch_tmp", "/tmp"),  # noqa: S108 - the image's own, open
        ),
        tmpfs=(f"{_CONFIG}:size=16m,{_OWN}", f"{_LOGS}:size=128m,{_OWN}"),
        secrets=(*authority_secrets(project), ELASTIC_PASSWORD, *certificate),
        secret_targets={name: f"{_CERTIFICATES}/{name}" for name in certificate},
        ports=(Port(project.stack.bind, settings.port, _PORT),),
        healthcheck=Healthcheck(("CMD-SHELL", _health(tls=settings.tls)), start_period_s=180),
        memory_bytes=settings.memory.bytes,
        pids=4096,
        stop_grace_s=120,
        ready=f"{_PORT}/",
        access=Access(tls=True) if settings.tls else None,
        comments=(
            "elasticsearch: its configuration is a copy on tmpfs, as it makes its keystore there.",
            "No memlock or nofile limits are asked for: swap is off by memswap_limit, and a",
            "single node has no bootstrap checks.",
        ),
    )


def _environment(project: str, *, tls: bool) -> dict[str, str]:
    watermark = "cluster.routing.allocation.disk.watermark"
    certificate, key = certificate_secrets(SERVICE)
    encrypted = {
        "xpack.security.http.ssl.certificate": f"{_CERTIFICATES}/{certificate}",
        "xpack.security.http.ssl.key": f"{_CERTIFICATES}/{key}",
    }
    return {
        "ES_PATH_CONF": _CONFIG,
        "cluster.name": project,
        # In bytes: the shares of the default stop a node on a laptop's well-filled disk.
        f"{watermark}.flood_stage": "1gb",
        f"{watermark}.high": "1gb",
        f"{watermark}.low": "1gb",
        "discovery.type": "single-node",
        "ingest.geoip.downloader.enabled": "false",
        # Both set by hand: the image's own choice is certificates and TLS in front of us.
        "xpack.license.self_generated.type": "basic",
        "xpack.security.enabled": "true",
        "xpack.security.http.ssl.enabled": "true" if tls else "false",
        **(encrypted if tls else {}),
    }


def setup_service(project: Project, images: Images) -> Service:
    """Users, roles, templates and retention; runs again when any of them changes."""
    secrets = [ELASTIC_PASSWORD, EXPORTER_PASSWORD, WRITER_PASSWORD, *authority_secrets(project)]
    if "grafana" not in project.stack.without:
        secrets.append(READER_PASSWORD)
    if "kibana" not in project.stack.without:
        secrets.append(KIBANA_PASSWORD)
    return Service(
        name=SETUP,
        image=images.name("elasticsearch"),
        user=USER,
        entrypoint=("/bin/bash", "/setup/setup.sh"),
        directories=(DirectoryMount(PurePosixPath("elasticsearch/setup"), "/setup"),),
        tmpfs=("/tmp:size=1m,mode=1777",),  # noqa: S108 - curl's credentials, never on disk
        secrets=tuple(sorted(secrets)),
        depends_on=(Dependency("elasticsearch", "service_healthy"),),
        memory_bytes=SETUP_BYTES,
        one_shot=True,
    )


def logging(project: Project) -> Logging:
    """Where log lines come in, how they are filed, and how long they stay."""
    inputs = project.logs.inputs
    given = {"tcp": inputs.tcp, "beats": inputs.beats, "gelf": inputs.gelf}
    kibana = None if "kibana" in project.stack.without else project.stack.kibana
    return Logging(
        inputs=tuple(LogInput(kind, entry.port) for kind, entry in given.items() if entry),
        retention=elastic_duration(project.logs.retention),
        elasticsearch_url=elasticsearch_url(project),
        elasticsearch_tls=project.stack.elasticsearch.tls,
        datasets={name: stream_name(name) for name in project.services},
        namespace=stream_name(project.environment),
        logstash_heap_mib=project.stack.logstash.memory.bytes // 2**20 // 2,
        kibana_heap_mib=kibana.memory.bytes // 2**20 * 6 // 10 if kibana else 0,
        kibana_url=published_url(project, kibana.port) if kibana else None,
    )


def elastic_duration(duration: Duration) -> str:
    """Elasticsearch's spelling: it knows neither weeks, years nor two units in a row."""
    milliseconds = math.ceil(duration.seconds * 1000)
    for unit, length in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if milliseconds % length == 0:
            return f"{milliseconds // length}{unit}"
    return f"{milliseconds}ms"


def stream_name(name: str) -> str:
    """A part of a data stream's name: dashes separate the parts, so it has none."""
    return re.sub(r"[^a-z0-9_]", "_", name)
