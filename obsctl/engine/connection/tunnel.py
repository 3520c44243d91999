"""An Engine over ssh: one connection of the system's own ssh carries its socket here."""

import os
import select
import shutil
import subprocess
import tempfile
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from obsctl.errors import EngineError, Problem

_REMOTE_SOCKET: Final = "/var/run/docker.sock"
_READY: Final = b"obsctl"
# `cat` ends with our end of its stdin, however we end: no ssh outlives us.
_COMMAND: Final = f"echo {_READY.decode()} && exec cat"


@dataclass(slots=True, weakref_slot=True)
class Tunnel:
    """`socket` answers as the Engine's does, for as long as this object lives."""

    socket: Path
    _ssh: "subprocess.Popen[bytes]"


def open_tunnel(host: str, timeout_s: float) -> Tunnel:
    """Connect to `ssh://[user@]host[:port][/path/of/docker.sock]`; EngineError with ssh's words.

    The user's own ssh_config, keys, agent and jump hosts are those of the ssh in PATH.
    """
    if (program := shutil.which("ssh")) is None:
        raise EngineError(
            Problem(f"`{host}` needs ssh, which is not in PATH", hint="install an ssh client")
        )
    folder = Path(tempfile.mkdtemp(prefix="obsctl-ssh-"))
    socket, log = folder / "docker.sock", folder / "log"
    with log.open("wb") as errors:
        ssh = subprocess.Popen(
            [program, *_options(host, socket, timeout_s), _COMMAND],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            # Ctrl-C is for us: the operations that undo something still need the Engine.
            start_new_session=True,
        )
    tunnel = Tunnel(socket, ssh)
    weakref.finalize(tunnel, _close, ssh, folder)
    if not _is_ready(ssh, timeout_s):
        ssh.kill()
        ssh.wait()
        words = " ".join(log.read_text("utf-8", "replace").split())
        raise EngineError(_refused(host, words or f"no answer within {timeout_s:g} s"))
    return tunnel


def _options(host: str, socket: Path, timeout_s: float) -> list[str]:
    url = urlsplit(host)
    remote = url.path.rstrip("/") or _REMOTE_SOCKET
    settings = ("BatchMode=yes", "ExitOnForwardFailure=yes", f"ConnectTimeout={timeout_s:.0f}")
    return [
        "-T",
        *(part for setting in settings for part in ("-o", setting)),
        *(("-l", url.username) if url.username else ()),
        *(("-p", str(url.port)) if url.port else ()),
        *("-L", f"{socket}:{remote}"),
        "--",
        url.hostname or "",
    ]


def _is_ready(ssh: "subprocess.Popen[bytes]", timeout_s: float) -> bool:
    """Whether the other end has said its word; forwarding stands before it does."""
    if ssh.stdout is None:
        return False
    readable, _, _ = select.select([ssh.stdout], [], [], timeout_s)
    return bool(readable) and os.read(ssh.stdout.fileno(), 64).startswith(_READY)


def _refused(host: str, words: str) -> Problem:
    target = urlsplit(host).netloc
    return Problem(
        f"no connection to the Docker Engine at `{host}`: {words}",
        hint=f"make `ssh {target}` work without a question first (host key, key or agent)",
    )


def _close(ssh: "subprocess.Popen[bytes]", folder: Path) -> None:
    for pipe in (ssh.stdin, ssh.stdout):
        if pipe:
            pipe.close()
    ssh.terminate()
    ssh.wait()
    shutil.rmtree(folder, ignore_errors=True)
