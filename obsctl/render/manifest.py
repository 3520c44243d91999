"""The list of files that obsctl wrote under stack/, each with the hash of its content."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from obsctl.conventions import MANIFEST_FILE
from obsctl.errors import Problem, RenderError

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Manifest:
    """Path under stack/ -> sha256 of what obsctl wrote there.

    `pending` is set while files are being replaced: a write that was cut short is told from an
    edit by hand.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    pending: Mapping[str, str] = field(default_factory=dict)

    def wrote(self, path: str, content: bytes) -> bool:
        """True where `content` is obsctl's own work."""
        return sha256(content) in {self.files.get(path), self.pending.get(path)}

    @property
    def paths(self) -> frozenset[str]:
        return frozenset({*self.files, *self.pending})

    def text(self) -> str:
        document: dict[str, object] = {"format": _FORMAT, "files": dict(sorted(self.files.items()))}
        if self.pending:
            document["pending"] = dict(sorted(self.pending.items()))
        return json.dumps(document, indent=2) + "\n"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def read_manifest(directory: Path, *, force: bool = False) -> Manifest:
    """The manifest of a rendered tree, empty where there is none.

    Raises RenderError for one that cannot be relied on; with `force` that counts as none.
    """
    path = directory / MANIFEST_FILE
    if directory.exists() and not directory.is_dir():
        hint = "move it away; obsctl writes the stack's files into a directory of that name"
        raise RenderError(Problem(f"`{directory}` is not a directory", hint=hint))
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return Manifest(_hashes(document, "files"), _hashes(document, "pending"))
    except FileNotFoundError:
        return Manifest()
    except OSError as error:
        raise RenderError(Problem(f"cannot read `{path}`: {error.strerror}")) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        if force:
            return Manifest()
        hint = "restore it from git, or run `obsctl render --force` to write everything anew"
        raise RenderError(Problem(f"`{path}` is not what obsctl wrote", hint=hint)) from None


def _hashes(document: Any, key: str) -> dict[str, str]:  # noqa: ANN401 - parsed JSON
    if document["format"] != _FORMAT:
        raise ValueError(document["format"])
    hashes: dict[str, str] = document.get(key, {}) if key == "pending" else document[key]
    for path in hashes:
        parts = PurePosixPath(path).parts
        # A path from a manifest may be deleted: it never leads out of the tree.
        if not parts or ".." in parts or path.startswith("/"):
            raise ValueError(path)
    return {path: str(value) for path, value in hashes.items()}
