"""Copies of the rendered files that the running containers are known to work with."""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from obsctl.conventions import MANIFEST_FILE
from obsctl.engine.desired.model import DesiredService
from obsctl.engine.run.files import not_writable, write_atomically
from obsctl.render.access import open_to_containers
from obsctl.render.manifest import Manifest, read_manifest

GOOD_DIRECTORY: Final = "good"


@dataclass(frozen=True, slots=True)
class GoodFiles:
    """`stack` is what containers mount, `directory` holds a copy of it for each service."""

    stack: Path
    directory: Path

    def keep(self, service: DesiredService) -> None:
        """Remember the service's files as they are on disk now."""
        from shutil import rmtree

        files = self._present(service)
        kept, fresh = self.directory / service.name, self.directory / f".{service.name}"
        try:
            rmtree(fresh, ignore_errors=True)
            fresh.mkdir(parents=True)
            for path, content in files.items():
                (fresh / path).parent.mkdir(parents=True, exist_ok=True)
                (fresh / path).write_bytes(content)
            rmtree(kept, ignore_errors=True)
            fresh.rename(kept)
        except OSError as error:
            raise not_writable(kept, error) from None

    def has(self, service: DesiredService) -> bool:
        """Whether there is a copy to go back to."""
        return (self.directory / service.name).is_dir()

    def put_back(self, service: DesiredService) -> bool:
        """Make the service's files what they were when it last worked; whether that changed any."""
        if not self.has(service):
            return False
        kept = self.directory / service.name
        good = {
            path.relative_to(kept).as_posix(): path.read_bytes()
            for path in sorted(kept.rglob("*"))
            if path.is_file()
        }
        present = self._present(service)
        changed = {path: content for path, content in good.items() if present.get(path) != content}
        gone = present.keys() - good.keys()
        if changed or gone:
            self._write(changed, frozenset(gone))
        return bool(changed or gone)

    def _write(self, changed: Mapping[str, bytes], gone: frozenset[str]) -> None:
        """The manifest first, so that a run that is cut short is not taken for an edit by hand."""
        manifest = read_manifest(self.stack, force=True)
        hashes = {path: hashlib.sha256(content).hexdigest() for path, content in changed.items()}
        self._note(Manifest(manifest.files, {**manifest.pending, **hashes}))
        for path, content in changed.items():
            write_atomically(self.stack / path, content, mode=0o644)
        open_to_containers(self.stack, changed)
        for path in gone:
            (self.stack / path).unlink(missing_ok=True)
        files = {path: one for path, one in manifest.files.items() if path not in gone}
        self._note(Manifest({**files, **hashes}))

    def _note(self, manifest: Manifest) -> None:
        place = self.stack / MANIFEST_FILE
        if place.exists():
            write_atomically(place, manifest.text().encode(), mode=0o644)

    def _present(self, service: DesiredService) -> dict[str, bytes]:
        """What the service mounts of stack/, by path relative to it."""
        found: dict[str, bytes] = {}
        for source in service.sources:
            if source.secret or not source.path.is_relative_to(self.stack):
                continue
            root = source.path
            for path in [root] if root.is_file() else sorted(root.rglob("*")):
                relative = path.relative_to(self.stack)
                hidden = any(part.startswith(".") for part in relative.parts)
                with suppress(OSError):
                    if path.is_file() and not hidden:
                        found[relative.as_posix()] = path.read_bytes()
        return found
