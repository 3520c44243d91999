"""What the Engine can be asked to change, in its own terms."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, TypeVar
from urllib.parse import quote

from obsctl.engine.connection.failures import EngineRefusal
from obsctl.engine.connection.reads import Json

T = TypeVar("T")
_NOT_FOUND: Final = 404
_ID: Final = re.compile(r"[0-9a-f]{64}")
_ID_SHOWN: Final = 12


class Changes(ABC):
    """Requests that change something; how they travel is for others to say."""

    @abstractmethod
    def _ask(self, doing: str, call: Callable[[Any], T], limit_s: float | None = None) -> T:
        """What `call` does with an SDK client; `doing` completes "cannot ..." in an error."""

    @abstractmethod
    def _post(self, doing: str, path: str, body: Mapping[str, object]) -> None:
        """A request that the SDK has no way to make as it has to be."""

    def create_network(self, name: str, body: Json) -> None:
        # Raw, for create_network() has no way to give what compose gives.
        self._post(f"create network `{name}`", "/networks/create", {**body, "Name": name})

    def create_volume(self, name: str, body: Json) -> None:
        self._post(f"create volume `{name}`", "/volumes/create", {**body, "Name": name})

    def create_container(self, name: str, body: Json) -> str:
        """Create, and return the id; nothing runs yet."""
        doing = f"create container `{name}`"
        made = self._ask(doing, lambda api: api.create_container_from_config(body, name))
        return str(made["Id"])

    def attach(self, network: str, container: str, endpoint: Json) -> None:
        body = {"Container": container, "EndpointConfig": endpoint}
        doing = f"attach {spelled(container)} to network `{network}`"
        self._post(doing, f"/networks/{quote(network)}/connect", body)

    def start(self, container: str) -> None:
        self._ask(f"start {spelled(container)}", lambda api: api.start(container))

    def stop(self, container: str, grace_s: int) -> None:
        """SIGTERM, and SIGKILL after `grace_s`."""
        doing = f"stop {spelled(container)}"
        self._ask(doing, lambda api: api.stop(container, timeout=grace_s))

    def unpause(self, container: str) -> None:
        self._ask(f"resume {spelled(container)}", lambda api: api.unpause(container))

    def signal(self, container: str, name: str) -> None:
        doing = f"send {name} to {spelled(container)}"
        self._ask(doing, lambda api: api.kill(container, signal=name))

    def rename(self, container: str, name: str) -> None:
        doing = f"rename {spelled(container)} to `{name}`"
        self._ask(doing, lambda api: api.rename(container, name))

    def remove(self, container: str, *, force: bool = False) -> None:
        """Remove a container and its anonymous volumes; one that is gone is fine."""
        with missing_is_fine():
            doing = f"remove {spelled(container)}"
            self._ask(doing, lambda api: api.remove_container(container, v=True, force=force))

    def remove_network(self, name: str) -> None:
        with missing_is_fine():
            self._ask(f"remove network `{name}`", lambda api: api.remove_network(name))

    def remove_volume(self, name: str) -> None:
        with missing_is_fine():
            self._ask(f"remove volume `{name}`", lambda api: api.remove_volume(name))

    def run(
        self, container: str, command: list[str], limit_s: float | None = None
    ) -> tuple[int, bytes]:
        """Run a command inside; its exit code, and what it printed.

        EngineError past `limit_s`: it may run on, but nobody waits for it.
        """

        def ask(api: Any) -> tuple[int, bytes]:  # noqa: ANN401 - the SDK is for the client to know
            made = api.exec_create(container, command)
            output = api.exec_start(made["Id"])
            code = api.exec_inspect(made["Id"])["ExitCode"]
            return -1 if code is None else int(code), bytes(output)

        return self._ask(f"run `{command[0]}` in {spelled(container)}", ask, limit_s)


@contextmanager
def missing_is_fine() -> Iterator[None]:
    try:
        yield
    except EngineRefusal as refusal:
        if refusal.status != _NOT_FOUND:
            raise


def spelled(container: str) -> str:
    """An id as docker's own command line shows it; names stay as they are."""
    short = container[:_ID_SHOWN] if _ID.fullmatch(container) else container
    return f"container `{short}`"
