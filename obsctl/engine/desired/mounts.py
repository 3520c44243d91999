"""The mounts of a compose service: volumes, bind mounts and secrets."""

import os.path
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from obsctl.engine.desired.compose import ComposeFile
from obsctl.engine.desired.quantities import size_bytes

Json = dict[str, Any]
_KINDS: Final = frozenset({"bind", "volume", "tmpfs"})


@dataclass(frozen=True, slots=True)
class Source:
    """A file or directory of the host that a container mounts."""

    path: Path
    secret: str | None = None
    changed_at: float = 0.0  # when it became what it is, in epoch seconds
    inode: int = 0  # of a directory; 0 where there is none yet


def check_forms(file: ComposeFile, key: str) -> None:
    """Note what is not in the long syntax, before anything else reads it."""
    service = file.services[key]
    for name, mandatory in (("volumes", "target"), ("ports", "target")):
        for index, entry in enumerate(service.get(name) or ()):
            if not isinstance(entry, dict) or mandatory not in entry:
                message = f"an entry of `{name}` of service `{key}` is not in the long syntax"
                file.add(("services", key, name, index), message, "write it with `target:`")
            elif name == "volumes" and entry.get("type") not in _KINDS:
                message = f"obsctl does not support mounts of type `{entry.get('type')}`"
                file.add(("services", key, name, index), message)
            elif name == "volumes" and not entry.get("source") and entry["type"] != "tmpfs":
                message = f"a mount of service `{key}` has no `source`"
                file.add(("services", key, name, index), message, "name a volume or a directory")
    for secret in secret_names(file, key):
        if "file" not in (file.secrets.get(secret) or {}):
            message = f"the secret `{secret}` of service `{key}` has no `file` under `secrets`"
            file.add(("services", key, "secrets"), message)


def volume_name(file: ComposeFile, key: str) -> str:
    """A volume's real name."""
    definition = file.volumes.get(key) or {}
    plain = key if definition.get("external") else f"{file.project}_{key}"
    return str(definition.get("name") or plain)


def volume_names(file: ComposeFile, key: str) -> list[str]:
    """The real names of the named volumes that a service mounts."""
    return [volume_name(file, str(entry["source"])) for entry in _volumes(file, key)]


def sources(file: ComposeFile, key: str) -> Iterator[Source]:
    """What must exist on the host before the container can be made."""
    for entry in _entries(file, key, "bind"):
        path = _absolute(file, entry["source"])
        yield Source(path, None, _changed_at(path), inode_of(path))
    for secret in secret_names(file, key):
        path = _absolute(file, file.secrets[secret]["file"])
        yield Source(path, secret, _changed_at(path))


def _changed_at(path: Path) -> float:
    # Not the time of its content: a file that is renamed into place may be older than that.
    try:
        return path.lstat().st_ctime
    except OSError:
        return 0.0


def inode_of(directory: Path) -> int:
    """What a container that mounts it holds on to, whatever has its name; 0 without it."""
    try:
        return directory.stat().st_ino if directory.is_dir() else 0
    except OSError:
        return 0


def secret_names(file: ComposeFile, key: str) -> list[str]:
    """The secrets of a service, by name."""
    return [source for source, _ in _secrets(file, key)]


def bind_entries(file: ComposeFile, key: str) -> Iterator[str]:
    """`source:target:mode`: compose's form for volumes, and for binds that make their source."""
    for entry in _volumes(file, key):
        yield f"{volume_name(file, str(entry['source']))}:{entry['target']}:{_mode(entry)}"
    for entry in _entries(file, key, "bind"):
        if _makes_source(entry):
            yield f"{_absolute(file, entry['source'])}:{entry['target']}:{_mode(entry)}"


def mount_entries(file: ComposeFile, key: str) -> Iterator[Json]:
    """Mounts in the form that refuses a missing source."""
    for entry in _entries(file, key, "bind"):
        if not _makes_source(entry):
            source = str(_absolute(file, entry["source"]))
            yield _bind(source, entry["target"], read_only=bool(entry.get("read_only")))
    for entry in _entries(file, key, "tmpfs"):
        size = (entry.get("tmpfs") or {}).get("size")
        options = {"SizeBytes": size_bytes(size)} if size is not None else {}
        yield {"Type": "tmpfs", "Target": entry["target"], "TmpfsOptions": options}
    for secret, target in _secrets(file, key):
        source = str(_absolute(file, file.secrets[secret]["file"]))
        yield _bind(source, target, read_only=True)


def _bind(source: str, target: str, *, read_only: bool) -> Json:
    return {
        "Type": "bind",
        "Source": source,
        "Target": target,
        "ReadOnly": read_only,
        "BindOptions": {},
    }


def _volumes(file: ComposeFile, key: str) -> list[Mapping[str, Any]]:
    return [entry for entry in _entries(file, key, "volume") if entry.get("source")]


def _entries(file: ComposeFile, key: str, kind: str) -> list[Mapping[str, Any]]:
    return [entry for entry in file.services[key].get("volumes") or () if entry["type"] == kind]


def _secrets(file: ComposeFile, key: str) -> Iterator[tuple[str, str]]:
    for entry in file.services[key].get("secrets") or ():
        given = entry if isinstance(entry, dict) else {"source": entry}
        source = str(given.get("source"))
        target = str(given.get("target") or source)
        yield source, target if target.startswith("/") else f"/run/secrets/{target}"


def _makes_source(entry: Mapping[str, Any]) -> bool:
    return bool((entry.get("bind") or {}).get("create_host_path", True))


def _mode(entry: Mapping[str, Any]) -> str:
    return "ro" if entry.get("read_only") else "rw"


def _absolute(file: ComposeFile, source: object) -> Path:
    # Compose resolves `..` in the text, not through symbolic links.
    return Path(os.path.normpath(file.directory / str(source)))
