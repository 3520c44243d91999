"""Bugsink: takes the errors that the Sentry SDKs report, and groups them into issues."""

import textwrap
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from obsctl.conventions import (
    BUGSINK_KEY,
    BUGSINK_PASSWORD,
    BUGSINK_TOKEN,
    DOCKER_HOST_NAME,
    PORTS,
)
from obsctl.project.error_tracking import Bugsink
from obsctl.project.schema import Project
from obsctl.stack.error_tracking import BUGSINK
from obsctl.stack.images import Images
from obsctl.stack.model import DirectoryMount, Healthcheck, Port, Service, VolumeMount
from obsctl.stack.prometheus import page_url

_PORT = PORTS[BUGSINK]
_DAY_S = 86_400
_SECRETS = (BUGSINK_PASSWORD, BUGSINK_TOKEN, BUGSINK_KEY)
_LOCAL = ("localhost", "127.0.0.1")
# gunicorn and the worker that digests events, side by side as the image itself starts them.
_START = f"""\
SECRET_KEY="$(cat /run/secrets/{BUGSINK_KEY})"
export SECRET_KEY
python3 /setup/prepare.py
exec monofy gunicorn --config gunicorn.docker.conf.py --bind=0.0.0.0:{_PORT} bugsink.wsgi \\
  '|||' bugsink-runsnappea
"""
_PROBE = (
    "import urllib.request as r; "
    f"r.urlopen('http://127.0.0.1:{_PORT}/health/ready', timeout=4).read()"
)
_WHY = (
    "bugsink: takes its secret key from its environment only; it is read from the secret's file at"
    " start and is in no configuration. prepare.py reads the admin's password and the API token"
    " from their files and puts them into its database."
)


def bugsink_service(project: Project, settings: Bugsink, images: Images) -> Service:
    return Service(
        name=BUGSINK,
        image=images.name(BUGSINK),
        user="14237:14237",
        entrypoint=("/bin/sh", "-ec", _START, BUGSINK),
        environment=_environment(project, settings),
        directories=(DirectoryMount(PurePosixPath(BUGSINK), "/setup"),),
        volumes=(VolumeMount("bugsink_data", "/data"),),
        # The queue between its two processes and events that wait to be digested.
        tmpfs=("/tmp:size=128m,mode=1777",),  # noqa: S108 - the image's own paths
        secrets=_SECRETS,
        ports=(Port(project.stack.bind, settings.port, _PORT),),
        healthcheck=Healthcheck(("CMD", "python3", "-c", _PROBE), start_period_s=180),
        memory_bytes=settings.memory.bytes,
        cpus=2.0,  # its first start makes all tables
        networks=tuple(dict.fromkeys(project.stack.networks)),
        ready=f"{_PORT}/health/ready",
        comments=tuple(textwrap.wrap(_WHY, 94)),
    )


def _environment(project: Project, settings: Bugsink) -> dict[str, str]:
    url = page_url(project, settings)
    found = {
        "BASE_URL": url,  # the address in DSNs and links
        "MAX_EVENT_AGE_DAYS": str(round(settings.retention.seconds / _DAY_S)),
        "MAX_RETENTION_PER_PROJECT_EVENT_COUNT": str(settings.events),
        "PHONEHOME": "false",
        "PORT": str(_PORT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "SITE_TITLE": f"{project.project} errors",
    }
    parts = urlsplit(url)
    if parts.scheme == "https":
        found["BEHIND_HTTPS_PROXY"] = "true"
    if parts.hostname not in _LOCAL:
        # Its own choice leaves out the names that containers and the Docker host know it by.
        hosts = (parts.hostname or "", *_LOCAL, BUGSINK, DOCKER_HOST_NAME)
        found["ALLOWED_HOSTS"] = ",".join(hosts)
    return dict(sorted(found.items()))
