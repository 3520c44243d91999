"""A running component as its reload sees it: its API, its mounts, its administrator's login."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from obsctl.engine.client import Engine
from obsctl.engine.components.reach import Endpoint, endpoint_of
from obsctl.engine.planning.observe import Container
from obsctl.project.plain_yaml import load_plain

_TIMEOUT_S: Final = 30.0
_ERROR: Final = 400
_UNAUTHORIZED: Final = 401
_PASSWORD: Final = "GF_SECURITY_ADMIN_PASSWORD__FILE"  # noqa: S105 - the name of a variable
_USER: Final = "GF_SECURITY_ADMIN_USER"


class Refusal(Exception):  # noqa: N818 - the component refuses, in words of its own
    """A component refused something; `status` is the HTTP status, 0 where it told otherwise."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(f"HTTP {status}: {words}" if status else words)
        self.status = status


@dataclass(frozen=True, slots=True)
class Component:
    """`written` is when the newest of its hot files was written, in epoch seconds.

    With `restored` these are files that it worked with before, and may not have left.
    """

    engine: Engine
    container: Container
    port: str
    written: float
    restored: bool = False

    def get(self, path: str) -> Any:  # noqa: ANN401 - the shape is the component's
        """The JSON answer; Refusal for an error, OSError or HTTPException when there is none."""
        return json.loads(self._ask("GET", path))

    def text(self, path: str) -> bytes:
        """The answer as it is; fails as get() does."""
        return self._ask("GET", path)

    def post(self, path: str) -> None:
        """An empty POST; fails as get() does."""
        self._ask("POST", path)

    def can_be_asked(self) -> bool:
        """Whether a way leads there from here."""
        return self._endpoint("/") is not None

    def on_host(self, path: str) -> Path | None:
        """Where a file of the container is on this machine; None where it is not."""
        mounts = self._mounts()
        if path in mounts:
            return mounts[path]
        for target, source in mounts.items():
            if path.startswith(f"{target}/"):
                return source / path.removeprefix(f"{target}/")
        return None

    def stale_mount(self, path: str) -> str:
        """A file that is mounted alone goes on being the one that was there at the start."""
        alone = "; it mounts that file alone and cannot see a new one: recreate the container"
        return alone if path in self._mounts() else ""

    def _mounts(self) -> dict[str, Path]:
        """Host path by container path, of what is bind-mounted."""
        mounts = self.container.inspected.get("Mounts") or ()
        return {one["Destination"]: Path(one["Source"]) for one in mounts if one["Type"] == "bind"}

    def _endpoint(self, path: str) -> Endpoint | None:
        return endpoint_of(self.engine, self.container, self.port + path) if self.port else None

    def _ask(self, method: str, path: str) -> bytes:
        endpoint = self._endpoint(path)
        if endpoint is None:
            raise ConnectionError("no way leads to it from here")
        connection = endpoint.connection(_TIMEOUT_S)
        try:
            connection.request(method, path, headers=endpoint.access.headers or self._login())
            response = connection.getresponse()
            body = response.read()
        except OSError:
            # Where containers live in a machine of their own, only published ports lead there.
            if endpoint.published or method != "GET":
                raise
            return self._ask_inside(path)
        finally:
            connection.close()
        if response.status >= _ERROR:
            raise Refusal(response.status, _words(response.status, body))
        return body

    def _ask_inside(self, path: str) -> bytes:
        command = ["wget", "-qO-", f"http://127.0.0.1:{self.port}{path}"]
        code, output = self.engine.run(self.container.id, command)
        if code:
            raise ConnectionError(" ".join(output.decode("utf-8", "replace").split())[:300])
        return output

    def _login(self) -> dict[str, str]:
        """Grafana's administrator, with the password that is delivered to it as a file."""
        given = self.container.inspected.get("Config", {}).get("Env") or ()
        environment = dict(one.split("=", 1) for one in given if "=" in one)
        file = self.on_host(environment.get(_PASSWORD, ""))
        if file is None:
            return {}
        password = file.read_text(encoding="utf-8").rstrip("\n")
        pair = f"{environment.get(_USER, 'admin')}:{password}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


def _words(status: int, body: bytes) -> str:
    text = " ".join(body.decode("utf-8", "replace").split())
    if status == _UNAUTHORIZED:
        text += " (it does not accept the password in secrets/)"
    return text[:600]


def parsed(text: str | bytes) -> Any:  # noqa: ANN401 - any YAML value
    """The value of a YAML text; an empty mapping for none."""
    return load_plain(text) or {}


def yaml_files(directory: Path | None) -> list[Mapping[str, Any]]:
    """The documents of a directory, by file name."""
    files = sorted(directory.glob("*.y*ml")) if directory else ()
    return [parsed(file.read_bytes()) for file in files if not file.name.startswith(".")]
