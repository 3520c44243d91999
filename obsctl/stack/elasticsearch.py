"""Elasticsearch on one node with security on, and the one-shot that sets it up."""

import math
import re
from pathlib import PurePosixPath

from obsctl.conventions import PORTS
from obsctl.project.quantities import Duration
from obsctl.project.schema import Project
from obsctl.stack.grafana import READER_PASSWORD
from obsctl.stack.images import Images
from obsctl.stack.model import (
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

ELASTIC_PASSWORD = "elastic_password"  # noqa: S105 - names of secrets
KIBANA_PASSWORD = "kibana_system_password"  # noqa: S105
WRITER_PASSWORD = "logstash_writer_password"  # noqa: S105
EXPORTER, EXPORTER_PASSWORD = "es_exporter", "es_exporter_password"
SERVICE = "elasticsearch"
SETUP = "elasticsearch-setup"
USER = "1000:0"
_PORT = PORTS["elasticsearch"]
URL = f"http://elasticsearch:{_PORT}"

# The image insists on a 0400 or 0600 file of its own user; a Compose secret is 0444.
_START = f"""\
umask 277
rm -f /tmp/elastic_password
cat /run/secrets/{ELASTIC_PASSWORD} >/tmp/elastic_password
umask 022
export ELASTIC_PASSWORD_FILE=/tmp/elastic_password
exec /usr/local/bin/docker-entrypoint.sh eswrapper
"""
# 401 is the answer of a node that serves and has security on.
_HEALTH = (
    "curl -s -o /dev/null -m 4 -w '%{http_code}' "
    f"http://127.0.0.1:{_PORT}/ | grep -qE '^(200|401)$'"
)


def elasticsearch_service(project: Project, images: Images) -> Service:
    """The heap follows from the memory limit: the image takes half of it."""
    settings = project.stack.elasticsearch
    return Service(
        name=SERVICE,
        image=images.name("elasticsearch"),
        user=USER,
        entrypoint=("/bin/bash", "-ec", _START),
        environment=_environment(project.project),
        volumes=(VolumeMount("elasticsearch_data", "/usr/share/elasticsearch/data"),),
        tmpfs=("/tmp:exec,size=256m,mode=1777",),  # noqa: S108 - JNA loads its library there
        secrets=(ELASTIC_PASSWORD,),
        ports=(Port(project.stack.bind, settings.port, _PORT),),
        healthcheck=Healthcheck(("CMD-SHELL", _HEALTH), start_period_s=180),
        memory_bytes=settings.memory.bytes,
        pids=4096,
        read_only=False,
        stop_grace_s=120,
        ready=f"{_PORT}/",
        comments=(
            "elasticsearch: the root file system is writable, because the image keeps its",
            "keystore in config/ and that directory cannot be a tmpfs.",
            "No memlock or nofile limits are asked for: swap is off by memswap_limit, and a",
            "single node has no bootstrap checks.",
        ),
    )


def _environment(project: str) -> dict[str, str]:
    watermark = "cluster.routing.allocation.disk.watermark"
    return {
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
        "xpack.security.http.ssl.enabled": "false",
    }


def setup_service(project: Project, images: Images) -> Service:
    """Users, roles, templates and retention; runs again when any of them changes."""
    secrets = [ELASTIC_PASSWORD, EXPORTER_PASSWORD, WRITER_PASSWORD]
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
        memory_bytes=64 * 2**20,
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
        elasticsearch_url=URL,
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
