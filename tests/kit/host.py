"""What the kit needs from the machine: Debian, root, and a few system packages."""

import os
import platform
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.kit.cache import locked, say, timed

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_ADMIN_PATH = ("/usr/local/sbin", "/usr/sbin", "/sbin")


class KitUnavailable(RuntimeError):  # noqa: N818 - reads as the state that a test skips for
    """The kit cannot work here; the text says why, and is fit as a reason to skip a test."""


@dataclass(frozen=True)
class Mirror:
    """The Debian mirror that this machine already uses, and the release it runs."""

    uri: str
    codename: str


def require_debian_root() -> None:
    """Raise KitUnavailable unless this is a Debian machine and we are root."""
    if platform.system() != "Linux" or platform.freedesktop_os_release().get("ID") != "debian":
        msg = "the kit needs Debian: it makes its Engine and images from Debian packages"
        raise KitUnavailable(msg)
    if os.geteuid() != 0:
        msg = "the kit needs root: it runs dockerd and makes root file systems"
        raise KitUnavailable(msg)
    if not KEYRING.exists():
        msg = f"the kit needs the package debian-archive-keyring ({KEYRING} is missing)"
        raise KitUnavailable(msg)


def admin_environment(first: Sequence[Path] = ()) -> dict[str, str]:
    """Our environment with `first` and the sbin directories on PATH, in the C locale."""
    path = [*map(str, first), os.environ.get("PATH", ""), "/usr/bin", "/bin", *_ADMIN_PATH]
    return {**os.environ, "PATH": os.pathsep.join(filter(None, path)), "LC_ALL": "C.UTF-8"}


def run(command: Sequence[str], *, cwd: Path | None = None) -> str:
    """Run a system command and return its stdout; KitUnavailable carries its last lines."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**admin_environment(), "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-8:])
        msg = f"`{' '.join(command[:3])} ...` failed with exit code {done.returncode}:\n{tail}"
        raise KitUnavailable(msg)
    return done.stdout


def debian_mirror() -> Mirror:
    """The mirror from the machine's own apt sources, so that no host name is written here."""
    codename = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    listing = run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)", "Created-By: Packages"]
    )
    for line in listing.splitlines():
        uri, _, release = line.partition(" ")
        if release in {codename, "stable"} and "security" not in uri:
            return Mirror(uri.rstrip("/"), codename)
    msg = f"no Debian mirror for {codename or 'this release'} in the machine's apt sources"
    raise KitUnavailable(msg)


def install_missing(packages_by_program: Mapping[str, str]) -> None:
    """Install the system packages whose programs are not on PATH; none if all are."""
    path = admin_environment()["PATH"]
    with locked("apt-install"):
        missing = sorted(
            package
            for program, package in packages_by_program.items()
            if shutil.which(program, path=path) is None
        )
        if not missing:
            return
        require_debian_root()
        with timed(f"apt-get install {' '.join(missing)}"):
            _install(missing)


def _install(packages: Sequence[str]) -> None:
    command = ["apt-get", "install", "-y", "--no-install-recommends"]
    command += ["-o", "DPkg::Lock::Timeout=180", *packages]
    try:
        run(command)
    except KitUnavailable:
        # A fresh machine has no package lists. A foreign source may fail to update: only
        # the installation itself decides.
        try:
            run(["apt-get", "update"])
        except KitUnavailable as problem:
            say(f"apt-get update: {problem}")
        run(command)
