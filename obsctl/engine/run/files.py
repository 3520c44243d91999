"""Files that obsctl keeps: written whole or not at all."""

import os
from pathlib import Path

from obsctl.errors import EngineError, unwritable


def write_atomically(path: Path, content: str | bytes, *, mode: int = 0o600) -> None:
    """Write beside `path` and rename; EngineError when the directory cannot be written."""
    import tempfile

    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "wb") as stream:
            os.fchmod(descriptor, mode)
            stream.write(content.encode() if isinstance(content, str) else content)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise not_writable(path, error) from None


def not_writable(path: Path, error: OSError) -> EngineError:
    """The plain words for a project directory that obsctl may not write to."""
    return EngineError(unwritable(path, error))
