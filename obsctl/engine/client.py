"""The Engine: every request that obsctl makes to it; the only importer of the Docker SDK."""

import math
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from obsctl.engine.address import find_address
from obsctl.engine.api_version import ApiVersion
from obsctl.engine.failures import EngineRefusal, no_engine, reason_of, too_old, unreachable
from obsctl.engine.host import is_this_machine
from obsctl.engine.reads import Json, Reads
from obsctl.engine.references import split_reference
from obsctl.engine.way import Way

if TYPE_CHECKING:
    from docker import APIClient

CONNECT_TIMEOUT_S: Final = 10.0
REQUEST_TIMEOUT_S: Final = 60.0
# The newest API that was tried; with an older Engine, the Engine's own newest.
NEWEST_API: Final = ApiVersion(1, 51)
OLDEST_API: Final = ApiVersion(1, 40)
_BAD_REQUEST: Final = 400
_NOT_FOUND: Final = 404


class Engine(Reads):
    """A Docker Engine that answered; safe to share between threads."""

    def __init__(self, way: Way, api: ApiVersion, version: Json) -> None:
        self.address = way.address
        self.api = api
        self.version = version
        self._way = way
        self._local = threading.local()
        self._reader = way.reader(REQUEST_TIMEOUT_S)

    @classmethod
    def open(cls, timeout_s: float = CONNECT_TIMEOUT_S) -> "Engine":
        """Find the Engine and agree on an API version; EngineError says what is in the way."""
        way = Way.to(find_address(), timeout_s)
        address = way.address
        version = _read_version(way, timeout_s)
        if "ApiVersion" not in version:
            raise no_engine(address.host, "its answer to /version names no API version")
        found = ApiVersion.parse(str(version["ApiVersion"]))
        if found < OLDEST_API:
            raise too_old(address.host, f"API {found}", f"API {OLDEST_API}")
        return cls(way, min(found, NEWEST_API), version)

    @cached_property
    def is_local(self) -> bool:
        """Whether it runs on this machine: its ports and disks are those seen from here."""
        return self.address.socket is not None or is_this_machine(self.info())

    @property
    def platform(self) -> tuple[str, str]:
        """(operating system, architecture) of the containers that it runs."""
        return str(self.version.get("Os", "")), str(self.version.get("Arch", ""))

    # changes

    def create_network(self, name: str, body: Json) -> None:
        with self._asking(f"create network `{name}`") as api:
            # Raw, for create_network() has no way to give what compose gives.
            _checked(api, "/networks/create", {**body, "Name": name})

    def create_volume(self, name: str, body: Json) -> None:
        with self._asking(f"create volume `{name}`") as api:
            _checked(api, "/volumes/create", {**body, "Name": name})

    def create_container(self, name: str, body: Json) -> str:
        """Create, and return the id; nothing runs yet."""
        with self._asking(f"create container `{name}`") as api:
            created = api.create_container_from_config(body, name)  # type: ignore[no-untyped-call]
            return str(created["Id"])

    def attach(self, network: str, container: str, endpoint: Json) -> None:
        with self._asking(f"attach `{container}` to network `{network}`") as api:
            body = {"Container": container, "EndpointConfig": endpoint}
            _checked(api, f"/networks/{quote(network)}/connect", body)

    def start(self, container: str) -> None:
        with self._asking(f"start container `{container}`") as api:
            api.start(container)

    def stop(self, container: str, grace_s: int) -> None:
        """SIGTERM, and SIGKILL after `grace_s`."""
        with self._asking(f"stop container `{container}`") as api:
            api.stop(container, timeout=grace_s)

    def unpause(self, container: str) -> None:
        with self._asking(f"resume container `{container}`") as api:
            api.unpause(container)

    def signal(self, container: str, name: str) -> None:
        with self._asking(f"send {name} to container `{container}`") as api:
            api.kill(container, signal=name)

    def rename(self, container: str, name: str) -> None:
        with self._asking(f"rename container `{container}` to `{name}`") as api:
            api.rename(container, name)

    def remove(self, container: str, *, force: bool = False) -> None:
        """Remove a container and its anonymous volumes; one that is gone is fine."""
        with self._asking(f"remove container `{container}`", missing_ok=True) as api:
            api.remove_container(container, v=True, force=force)

    def remove_network(self, name: str) -> None:
        with self._asking(f"remove network `{name}`", missing_ok=True) as api:
            api.remove_network(name)

    def remove_volume(self, name: str) -> None:
        with self._asking(f"remove volume `{name}`", missing_ok=True) as api:
            api.remove_volume(name)

    def run(self, container: str, command: list[str]) -> tuple[int, bytes]:
        """Run a command inside; its exit code, and what it printed."""
        with self._asking(f"run a command in container `{container}`") as api:
            made = api.exec_create(container, command)
            output = api.exec_start(made["Id"])
            code = api.exec_inspect(made["Id"])["ExitCode"]
            return -1 if code is None else int(code), bytes(output)

    def pull(self, reference: str) -> Iterator[Json]:
        """Pull; yields the Engine's progress events, and raises on one that tells of an error."""
        doing = f"pull image `{reference}`"
        with self._asking(doing) as api:
            repository, tag = split_reference(reference)
            given = _credentials(api, repository)
            events = api.pull(repository, tag=tag, stream=True, decode=True, auth_config=given)
            for event in events:
                if "error" in event:
                    raise EngineRefusal(doing, 0, str(event["error"]).strip())
                yield event

    def find_in_registry(self, reference: str) -> Json:
        """What the registry tells of an image, its `Platforms` for one; EngineError without it."""
        with self._asking(f"find image `{reference}` in its registry") as api:
            given = _credentials(api, reference)
            return dict(api.inspect_distribution(reference, given))  # type: ignore[no-untyped-call]

    def logs(self, container: str, *, tail: int | None, follow: bool = False) -> Iterator[bytes]:
        """stdout and stderr of a container in pieces that need not end with a line."""
        with self._asking(f"read the log of container `{container}`", missing_ok=True) as api:
            yield from api.logs(
                container, stream=True, follow=follow, tail="all" if tail is None else tail
            )

    @contextmanager
    def events(self, project_label: str, since: str) -> Iterator[Iterator[Json]]:
        """Container events as they come; leaving the block closes the stream."""
        with self._asking("follow events") as api:
            filters = {"type": ["container"], "label": [project_label]}
            # As a string, for the SDK's own conversion would cut it to whole seconds.
            moment: Any = since
            stream = api.events(since=moment, filters=filters, decode=True)
            try:
                yield stream
            finally:
                stream.close()

    def _read(self, path: str, doing: str) -> Any:  # noqa: ANN401 - the shape is the Engine's
        target = f"/v{self.api}{path}"
        if self._reader is not None:
            return self._reader.read(target, doing)
        with self._asking(doing) as api:
            response = api.get(api.base_url + target)
            if response.status_code >= _BAD_REQUEST:
                raise EngineRefusal(doing, response.status_code, reason_of(response.content))
            return response.json()

    @contextmanager
    def _asking(self, doing: str, *, missing_ok: bool = False) -> "Iterator[APIClient]":
        """This thread's SDK client; whatever it raises becomes an EngineError."""
        from docker.errors import APIError, DockerException
        from requests.exceptions import RequestException

        try:
            if not hasattr(self._local, "api"):
                self._local.api = _sdk(self._way, self.api, REQUEST_TIMEOUT_S)
            yield self._local.api
        except APIError as error:
            status = error.status_code or 0
            if missing_ok and status == _NOT_FOUND:
                return
            raise EngineRefusal(doing, status, str(error.explanation or error).strip()) from error
        except (DockerException, RequestException, OSError) as error:
            raise unreachable(error, self.address.host, REQUEST_TIMEOUT_S) from error


def _read_version(way: Way, timeout_s: float) -> Json:
    address = way.address
    if reader := way.reader(timeout_s):
        try:
            with closing(reader):
                return dict(reader.read("/version", "ask for the version"))
        except EngineRefusal as refusal:
            raise no_engine(address.host, refusal.reason) from refusal
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    try:
        api = _sdk(way, OLDEST_API, timeout_s)
        # Raw, for the SDK stumbles over errors that are not in the Engine's form.
        response = api.get(f"{api.base_url}/version", timeout=timeout_s)
        if response.status_code >= _BAD_REQUEST:
            raise no_engine(address.host, reason_of(response.content))
        return dict(response.json())
    except (DockerException, RequestException, OSError) as error:
        raise unreachable(error, address.host, timeout_s) from error


def _sdk(way: Way, version: ApiVersion, timeout_s: float) -> "APIClient":
    from docker import APIClient
    from docker.tls import TLSConfig

    tls: TLSConfig | bool = False
    if (wanted := way.address.tls) is not None:
        authority = wanted.authority if wanted.verify else None
        tls = TLSConfig(client_cert=wanted.pair, ca_cert=authority, verify=wanted.verify)
    return APIClient(way.url, str(version), math.ceil(timeout_s), tls)


def _credentials(api: "APIClient", repository: str) -> dict[str, str] | None:
    """None leaves them to the SDK; none at all where the helper that keeps them is missing.

    docker's own command line pulls public images all the same.
    """
    from docker import auth
    from docker.errors import DockerException

    try:
        auth.get_config_header(api, auth.resolve_repository_name(repository)[0])
    except DockerException:
        return {}
    return None


def _checked(api: "APIClient", path: str, body: Mapping[str, object]) -> None:
    from docker.errors import APIError

    response = api.post(f"{api.base_url}/v{api.api_version}{path}", json=body, timeout=api.timeout)
    if response.status_code >= _BAD_REQUEST:
        raise APIError(reason_of(response.content), response, reason_of(response.content))
