"""The blackbox exporter: asks the probed URLs on Prometheus's behalf."""

from pathlib import PurePosixPath

from obsctl.conventions import PORTS
from obsctl.stack.images import Images
from obsctl.stack.model import DirectoryMount, Healthcheck, Service

BLACKBOX = "blackbox-exporter"
BLACKBOX_BYTES = 64 * 2**20
_PORT = PORTS[BLACKBOX]


def blackbox_service(images: Images) -> Service:
    return Service(
        name=BLACKBOX,
        image=images.name("blackbox_exporter"),
        user="65534:65534",  # the image itself would run as root
        command=("--config.file=/etc/blackbox_exporter/blackbox.yml",),
        directories=(
            DirectoryMount(PurePosixPath("blackbox"), "/etc/blackbox_exporter", hot=True),
        ),
        healthcheck=Healthcheck(
            ("CMD", "wget", "-qO", "/dev/null", f"http://127.0.0.1:{_PORT}/-/healthy")
        ),
        memory_bytes=BLACKBOX_BYTES,
        host_gateway=True,
        reload=f"http:{_PORT}/-/reload",
        ready=f"{_PORT}/-/healthy",
    )
