"""Logstash: one pipeline from the log inputs to Elasticsearch's data streams."""

from pathlib import PurePosixPath

from obsctl.conventions import PORTS
from obsctl.project.schema import Project
from obsctl.stack.elasticsearch import SETUP, USER, WRITER_PASSWORD, authority_secrets
from obsctl.stack.images import Images
from obsctl.stack.model import (
    Dependency,
    DirectoryMount,
    Healthcheck,
    Logging,
    Port,
    Service,
    VolumeMount,
)

_PORT = PORTS["logstash"]
_HOME = "/usr/share/logstash"
_READY = "/?wait_for_status=yellow&timeout=3s"
# Logstash reads a password from its environment or its keystore only. The variable's name
# is no setting of Logstash: those are written to logstash.yml at start, which is read-only.
_START = f"""\
rm -rf /tmp/*
OBSCTL_WRITER_PASSWORD="$(cat /run/secrets/{WRITER_PASSWORD})"
export OBSCTL_WRITER_PASSWORD
exec /usr/local/bin/docker-entrypoint
"""


def logstash_service(project: Project, images: Images, logging: Logging) -> Service:
    settings = project.stack.logstash
    bind = project.stack.bind
    return Service(
        name="logstash",
        image=images.name("logstash"),
        user=USER,
        entrypoint=("/bin/bash", "-ec", _START),
        directories=(
            DirectoryMount(PurePosixPath("logstash/config"), f"{_HOME}/config"),
            DirectoryMount(PurePosixPath("logstash/pipeline"), f"{_HOME}/pipeline", hot=True),
        ),
        volumes=(
            VolumeMount("logstash_data", f"{_HOME}/data"),
            # JRuby loads its native libraries from there, which a tmpfs does not allow.
            VolumeMount("logstash_tmp", "/tmp"),  # noqa: S108 - the image's own, open
        ),
        secrets=(*authority_secrets(project), WRITER_PASSWORD),
        ports=(Port(bind, settings.port, _PORT), *_inputs(bind, logging)),
        depends_on=(Dependency(SETUP, "service_completed_successfully"),),
        healthcheck=Healthcheck(
            ("CMD", "curl", "-fsS", "-o", "/dev/null", f"http://127.0.0.1:{_PORT}{_READY}"),
            start_period_s=180,
        ),
        memory_bytes=settings.memory.bytes,
        pids=1024,
        stop_grace_s=60,
        reload="auto",
        ready=f"{_PORT}{_READY}",
        comments=(
            "logstash: takes the password of its Elasticsearch user from its environment only;",
            "it is read from the secret's file at start and is in no configuration.",
        ),
    )


def _inputs(bind: str, logging: Logging) -> tuple[Port, ...]:
    return tuple(
        Port(bind, entry.port, entry.port, "udp" if entry.kind == "gelf" else "tcp")
        for entry in logging.inputs
    )
