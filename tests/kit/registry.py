"""A real registry on a free port of this machine, from Debian's package, and images to push."""

import io
import os
import subprocess
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker

from tests.kit.engine import ensure_engine
from tests.kit.host import KitUnavailable
from tests.kit.packages import unpack
from tests.kit.ports import free_ports

_CONFIG = """\
version: 0.1
log: {{ level: warn }}
storage: {{ filesystem: {{ rootdirectory: {root}/data }} }}
http: {{ addr: "{address}" }}
{more}
"""
_AUTH = """\
auth: {{ htpasswd: {{ realm: kit, path: {root}/htpasswd }} }}
"""
# Any bcrypt line does: nobody logs in.
_HTPASSWD = "kit:$2y$05$abcdefghijklmnopqrstuuHhY3YbL6PBqjMzLz9pxqN2dVgqYJ1yW\n"
_DOCKERFILE = b"""\
FROM scratch
COPY busybox /bin/busybox
COPY first /first
COPY second /second
ENTRYPOINT ["/bin/busybox"]
CMD ["sleep", "600"]
"""


@dataclass(frozen=True, slots=True)
class Registry:
    """A registry that answers at `address` (host:port)."""

    address: str
    docker_host: str

    def push_small(self, name: str, *, platform: str = "") -> str:
        """Push an image whose layers no Engine has, two of them of 4 MiB; returns name:tag.

        It sleeps. The Engine has forgotten it afterwards.
        """
        with self._api() as api:
            reference = f"{self.address}/{name}"
            events = api.build(
                fileobj=io.BytesIO(_context()),
                custom_context=True,
                tag=reference,
                platform=platform or None,
                rm=True,
                decode=True,
            )
            _await(events)
            self._push(api, reference)
        return name

    def push(self, image: str, name: str) -> None:
        """Push an image that the Engine has under another name; it keeps its old one only."""
        with self._api() as api:
            repository, _, tag = f"{self.address}/{name}".rpartition(":")
            api.tag(image, repository, tag)
            self._push(api, f"{repository}:{tag}")

    def forget(self, *references: str) -> None:
        """Let the Engine remove what a test has pulled."""
        with self._api() as api:
            for reference in references:
                api.remove_image(reference, force=True)

    @contextmanager
    def _api(self) -> Iterator[docker.APIClient]:
        with closing(docker.APIClient(self.docker_host, version="auto", timeout=600)) as api:
            yield api

    @staticmethod
    def _push(api: docker.APIClient, reference: str) -> None:
        _await(api.push(reference, stream=True, decode=True))
        api.remove_image(reference)


@contextmanager
def registry(folder: Path, *, closed: bool = False) -> Iterator[Registry]:
    """Run a registry for the block; a `closed` one lets nobody in."""
    program = unpack("sid", ["docker-registry"]) / "usr" / "bin" / "docker-registry"
    address = f"127.0.0.1:{free_ports(1)[0]}"
    folder.mkdir(parents=True)
    (folder / "htpasswd").write_text(_HTPASSWD)
    more = _AUTH.format(root=folder) if closed else ""
    text = _CONFIG.format(root=folder, address=address, more=more)
    (folder / "config.yml").write_text(text)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, "serve", folder / "config.yml"], stdout=log, stderr=log
        )
        try:
            _await_answer(address, process)
            yield Registry(address, ensure_engine().docker_host)
        finally:
            process.terminate()
            process.wait(timeout=30)


def _await_answer(address: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(f"http://{address}/v2/", timeout=5):
                return
        except urllib.error.HTTPError:
            return
        except OSError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise KitUnavailable(f"docker-registry does not answer: {error}") from error
            time.sleep(0.05)


def _await(events: Iterator[dict[str, object]]) -> None:
    for event in events:
        if "error" in event:
            raise KitUnavailable(str(event["error"]))


def _context() -> bytes:
    busybox = unpack("sid", ["busybox-static"]) / "usr" / "bin" / "busybox"
    files = {"Dockerfile": _DOCKERFILE, "busybox": busybox.read_bytes()}
    files |= {name: os.urandom(4 << 20) for name in ("first", "second")}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(data), 0o755
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()
