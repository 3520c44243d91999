"""Debian packages of any suite, unpacked in the kit's cache and never installed."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.kit.cache import cache_root, content_key, locked, timed
from tests.kit.host import KEYRING, KitUnavailable, debian_mirror, require_debian_root, run

_SOURCE = """Types: deb
URIs: {uri}
Suites: {suite}
Components: main
Signed-By: {keyring}
"""


def unpack(suite: str, names: Sequence[str]) -> Path:
    """The root directory of the packages `names` of `suite`, fetched once and then kept."""
    wanted = sorted(names)
    target = cache_root() / "packages" / f"{suite}-{content_key(suite, wanted)}"
    if target.exists():
        return target
    with locked(f"packages-{suite}"):
        if not target.exists():
            require_debian_root()
            with timed(f"fetching {', '.join(wanted)} from {suite}"):
                _fetch_into(target, suite, wanted)
    return target


def library_path(root: Path) -> str:
    """The unpacked shared-library directories below `root`, for LD_LIBRARY_PATH."""
    found = [*root.glob("lib/*-linux-gnu*"), *root.glob("usr/lib/*-linux-gnu*")]
    return ":".join(str(path) for path in sorted(found))


def _fetch_into(target: Path, suite: str, names: Sequence[str]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".fetch-") as scratch:
        archives, tree = Path(scratch) / "archives", Path(scratch) / "tree"
        archives.mkdir()
        tree.mkdir()
        _download(archives, suite, names)
        for archive in sorted(archives.glob("*.deb")):
            run(["dpkg", "-x", str(archive), str(tree)])
        # The rename is what makes a half-unpacked tree impossible to meet.
        tree.rename(target)


def _download(directory: Path, suite: str, names: Sequence[str]) -> None:
    options = _private_apt(suite)
    try:
        run(["apt-get", *options, "download", *names], cwd=directory)
    except KitUnavailable:
        # Either there are no lists yet, or they name versions that the mirror has dropped.
        for leftover in directory.iterdir():
            leftover.unlink()
        run(["apt-get", *options, "update"])
        run(["apt-get", *options, "download", *names], cwd=directory)


def _private_apt(suite: str) -> list[str]:
    """Options for an apt that knows `suite` only and writes inside the kit's cache only.

    They go on the command line, where they win over the machine's configuration, whose
    proxy settings stay in force.
    """
    root = cache_root() / "apt" / suite
    for name in ("lists/partial", "cache/archives/partial", "sources", "preferences"):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "status").touch()
    source = _SOURCE.format(uri=debian_mirror().uri, suite=suite, keyring=KEYRING)
    (root / "sources" / "kit.sources").write_text(source, encoding="utf-8")
    settings = {
        "Dir::Etc::SourceList": "/dev/null",
        "Dir::Etc::SourceParts": root / "sources",
        "Dir::Etc::Preferences": "/dev/null",
        "Dir::Etc::PreferencesParts": root / "preferences",
        "Dir::State": root,
        "Dir::State::status": root / "status",
        "Dir::Cache": root / "cache",
        "Acquire::Check-Valid-Until": "false",
        "Acquire::Languages": "none",
        "APT::Sandbox::User": "root",
    }
    return [part for key, value in settings.items() for part in ("-o", f"{key}={value}")]
