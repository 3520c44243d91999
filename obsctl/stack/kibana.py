"""Kibana: shows the logs; signs in to Elasticsearch as kibana_system. And what sets it up."""

from pathlib import PurePosixPath

from obsctl.conventions import KIBANA_KEY, KIBANA_KEYS, PORTS
from obsctl.project.schema import Project
from obsctl.stack.elasticsearch import (
    ELASTIC_PASSWORD,
    KIBANA_PASSWORD,
    SETUP,
    SETUP_BYTES,
    USER,
    authority_secrets,
)
from obsctl.stack.images import Images
from obsctl.stack.model import (
    Dependency,
    DirectoryMount,
    Healthcheck,
    Port,
    Service,
    VolumeMount,
)

KIBANA_SETUP = "kibana-setup"
_PORT = PORTS["kibana"]
_HOME = "/usr/share/kibana"
# Kibana takes no secret from a file, and from the environment its start script puts it on the
# command line. It does merge several configuration files: the second one is made here, on tmpfs.
_START = f"""\
umask 077
quoted() {{ sed -e 's/[\\\\"]/\\\\&/g' -e 's/^/"/' -e 's/$/"/' "/run/secrets/$1"; }}
password="$(quoted {KIBANA_PASSWORD})"
key="$(quoted {KIBANA_KEY})"
printf '%s\\n' \\
  "elasticsearch.password: $password" \\
  "xpack.encryptedSavedObjects.encryptionKey: $key" \\
  "xpack.reporting.encryptionKey: $key" \\
  "xpack.security.encryptionKey: $key" >/tmp/secrets.yml
cat /run/secrets/{KIBANA_KEYS} >>/tmp/secrets.yml
umask 022
exec /usr/local/bin/kibana-docker -c {_HOME}/config/kibana.yml -c /tmp/secrets.yml
"""


def kibana_service(project: Project, images: Images) -> Service:
    settings = project.stack.kibana
    return Service(
        name="kibana",
        image=images.name("kibana"),
        user=USER,
        entrypoint=("/bin/bash", "-ec", _START),
        directories=(DirectoryMount(PurePosixPath("kibana"), f"{_HOME}/config"),),
        volumes=(VolumeMount("kibana_data", f"{_HOME}/data"),),
        tmpfs=("/tmp:size=64m,mode=1777",),  # noqa: S108 - the secrets' configuration file
        secrets=(*authority_secrets(project), KIBANA_KEYS, KIBANA_KEY, KIBANA_PASSWORD),
        ports=(Port(project.stack.bind, settings.port, _PORT),),
        depends_on=(
            Dependency("elasticsearch", "service_healthy"),
            Dependency(SETUP, "service_completed_successfully"),
        ),
        healthcheck=Healthcheck(
            ("CMD", "curl", "-fsS", "-o", "/dev/null", f"http://127.0.0.1:{_PORT}/api/status"),
            start_period_s=300,
        ),
        memory_bytes=settings.memory.bytes,
        pids=512,
        ready=f"{_PORT}/api/status",
    )


def kibana_setup_service(images: Images) -> Service:
    """The data view and a saved search; `elastic`, as kibana_system may not make them."""
    return Service(
        name=KIBANA_SETUP,
        image=images.name("elasticsearch"),  # has the bash and curl that it needs
        user=USER,
        entrypoint=("/bin/bash", "/setup/setup.sh"),
        directories=(DirectoryMount(PurePosixPath(KIBANA_SETUP), "/setup"),),
        tmpfs=("/tmp:size=1m,mode=1777",),  # noqa: S108 - curl's credentials, never on disk
        secrets=(ELASTIC_PASSWORD,),
        depends_on=(Dependency("kibana", "service_healthy"),),
        memory_bytes=SETUP_BYTES,
        one_shot=True,
    )
