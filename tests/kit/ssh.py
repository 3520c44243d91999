"""A real sshd on a free port, from Debian's packages, that lets one new key in as this user."""

import os
import pwd
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.kit.host import KitUnavailable, admin_environment, require_debian_root, run
from tests.kit.packages import library_path, unpack
from tests.kit.ports import free_ports

_PACKAGES = ("libwrap0", "openssh-server")
_SERVER = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
"""
_CLIENT = """\
#!/bin/sh
exec {ssh} -F {folder}/client "$@"
"""
_SETTINGS = """\
IdentityFile {folder}/user
IdentitiesOnly yes
UserKnownHostsFile {folder}/known
StrictHostKeyChecking yes
"""
# sshd wants a user and a directory of its own; this machine need not have either.
_SPACE = (
    'mount --bind "$1/passwd" /etc/passwd && mount -t tmpfs -o mode=755 none /run/sshd '
    '&& shift && exec "$@"'
)


@dataclass(frozen=True, slots=True)
class Server:
    """`programs` holds an ssh that knows the key; it goes first in PATH."""

    user: str
    port: int
    programs: Path

    @property
    def address(self) -> str:
        return f"{self.user}@127.0.0.1:{self.port}"


@contextmanager
def sshd(folder: Path) -> Iterator[Server]:
    """Run sshd for the block, in a mount namespace of its own."""
    require_debian_root()
    tree = unpack("bookworm", _PACKAGES)
    port, user = free_ports(1)[0], pwd.getpwuid(os.geteuid()).pw_name
    programs = _write_files(folder, port)
    place = Path("/run/sshd")
    is_ours = not place.exists()
    place.mkdir(exist_ok=True)
    environment = admin_environment() | {"LD_LIBRARY_PATH": library_path(tree)}
    command = [str(tree / "usr/sbin/sshd"), "-D", "-e", "-f", str(folder / "server")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", _SPACE, "sh", str(folder), *command],
            env=environment,
            stdout=log,
            stderr=log,
        )
    try:
        _await_answer(port, process, folder / "log")
        yield Server(user, port, programs)
    finally:
        process.terminate()
        process.wait(timeout=30)
        if is_ours:
            with suppress(OSError):
                place.rmdir()


def _write_files(folder: Path, port: int) -> Path:
    """Keys, settings and users; the directory of the ssh that knows them."""
    folder.mkdir(parents=True)
    folder.chmod(0o755)
    for key in ("host", "user"):
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / key)])
    known = (folder / "host.pub").read_text().split()[:2]
    (folder / "known").write_text(f"[127.0.0.1]:{port} {' '.join(known)}\n")
    (folder / "server").write_text(_SERVER.format(port=port, folder=folder))
    (folder / "client").write_text(_SETTINGS.format(folder=folder))
    passwd = Path("/etc/passwd").read_text()
    (folder / "passwd").write_text(f"{passwd}sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin\n")
    programs = folder / "bin"
    programs.mkdir()
    (programs / "ssh").write_text(_CLIENT.format(ssh="/usr/bin/ssh", folder=folder))
    (programs / "ssh").chmod(0o755)
    return programs


def _await_answer(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5):
                return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise KitUnavailable(f"sshd does not answer: {log.read_text()}") from None
            time.sleep(0.05)
