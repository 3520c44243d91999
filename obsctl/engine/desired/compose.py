"""The rendered compose file as plain data: read fast, and slowly again where it is wrong."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from obsctl.errors import ObsctlError, Problem, RenderError
from obsctl.project.plain_yaml import load_plain

Definition = dict[str, Any]
KeyPath = tuple[str | int, ...]

_TOP_LEVEL: Final = frozenset({"name", "services", "networks", "volumes", "secrets"})


class ComposeFile:
    """`services`, `networks`, `volumes` and `secrets` by key, with `$$` read as `$`."""

    def __init__(self, path: Path, data: Mapping[str, Any]) -> None:
        self.path = path
        self.project = str(data.get("name", ""))
        self.services: Mapping[str, Any] = data.get("services") or {}
        self.networks: Mapping[str, Any] = data.get("networks") or {}
        self.volumes: Mapping[str, Any] = data.get("volumes") or {}
        self.secrets: Mapping[str, Any] = data.get("secrets") or {}
        self._findings: list[tuple[KeyPath, str, str | None]] = [
            ((key,), f"obsctl does not support `{key}` in a compose file", _PATCH_HINT)
            for key in data
            if key not in _TOP_LEVEL and not str(key).startswith("x-")
        ]

    @property
    def directory(self) -> Path:
        """What relative paths in the file are relative to."""
        return self.path.parent

    def add(self, path: KeyPath, message: str, hint: str | None = None) -> None:
        """Note a problem at a key of the file."""
        self._findings.append((path, message, hint))

    def raise_any(self) -> None:
        """RenderError with everything that was added, each with its place in the file."""
        if self._findings:
            raise RenderError(*_located(self.path, self._findings))


_PATCH_HINT = "if it comes from `patches`, take it out there"


def read_compose(path: Path, text: str | None = None) -> ComposeFile:
    """Read docker-compose.yml, or `text` in its place; RenderError when it is no compose file."""
    try:
        data = load_plain(path.read_bytes() if text is None else text)
    except FileNotFoundError:
        raise RenderError(
            Problem(f"`{path}` does not exist", hint="`obsctl render` writes it")
        ) from None
    except (OSError, yaml.YAMLError) as error:
        words = " ".join(str(error).split())
        raise RenderError(Problem(f"`{path}` cannot be read: {words}")) from None
    if not isinstance(data, dict) or not isinstance(data.get("services"), dict):
        raise RenderError(Problem(f"`{path}` is no compose file: it has no `services`"))
    if not isinstance(data.get("name"), str):
        raise RenderError(Problem(f"`{path}` has no `name`", hint="run `obsctl render`"))
    plain = _unescaped(data)
    return ComposeFile(path.resolve(), plain)


def _unescaped(value: Any) -> Any:  # noqa: ANN401 - any YAML value
    if isinstance(value, str):
        return value.replace("$$", "$")
    if isinstance(value, dict):
        return {key: _unescaped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unescaped(item) for item in value]
    return value


def _located(path: Path, findings: list[tuple[KeyPath, str, str | None]]) -> list[Problem]:
    from obsctl.project.document import open_document

    try:
        document = open_document(path)
    except ObsctlError:
        # Too large, or changed since: the words alone must do.
        return [Problem(f"{path}: {message}", hint=hint) for _, message, hint in findings]
    return [
        document.problem(message, document.locate(keys, key=True), hint)
        for keys, message, hint in findings
    ]
