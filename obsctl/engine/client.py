"""The Engine: every request that obsctl makes to it; the only importer of the Docker SDK."""

import math
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from obsctl.engine.connection.address import find_address
from obsctl.engine.connection.api_version import ApiVersion
from obsctl.engine.connection.changes import Changes, missing_is_fine, spelled
from obsctl.engine.connection.failures import (
    EngineRefusal,
    no_engine,
    reason_of,
    too_old,
    unreachable,
)
from obsctl.engine.connection.host import is_this_machine
from obsctl.engine.connection.pulse import Pulse
from obsctl.engine.connection.reads import Json, Reads
from obsctl.engine.connection.way import Way
from obsctl.engine.desired.references import split_reference
from obsctl.errors import EngineError

if TYPE_CHECKING:
    from docker import APIClient

T = TypeVar("T")
CONNECT_TIMEOUT_S: Final = 10.0
STREAM_TIMEOUT_S: Final = 60.0
# The newest API that was tried; with an older Engine, the Engine's own newest.
NEWEST_API: Final = ApiVersion(1, 51)
OLDEST_API: Final = ApiVersion(1, 40)
_BAD_REQUEST: Final = 400


class Engine(Reads, Changes):
    """A Docker Engine that answered; safe to share between threads."""

    def __init__(self, way: Way, api: ApiVersion) -> None:
        self.address = way.address
        self.api = api
        self._way = way
        self._local = threading.local()
        self.pulse = Pulse(way.address.host, lambda within_s: _ping(way, within_s))
        self._reader = way.reader(CONNECT_TIMEOUT_S, self.pulse)

    @classmethod
    def open(
        cls, timeout_s: float = CONNECT_TIMEOUT_S, tell: Callable[[str], None] | None = None
    ) -> "Engine":
        """Find the Engine and agree on an API version; EngineError says what is in the way.

        `tell` hears later what is waited for when the Engine takes long.
        """
        way = Way.to(find_address(), timeout_s)
        address = way.address
        newest = _newest_api(way, timeout_s)
        if not newest:
            raise no_engine(address.host, "its answer to /version names no API version")
        found = ApiVersion.parse(newest)
        if found < OLDEST_API:
            raise too_old(address.host, f"API {found}", f"API {OLDEST_API}")
        engine = cls(way, min(found, NEWEST_API))
        engine.pulse.tell = tell or engine.pulse.tell
        return engine

    @cached_property
    def is_local(self) -> bool:
        """Whether it runs on this machine: its ports and disks are those seen from here."""
        return self.address.socket is not None or is_this_machine(self.info())

    @cached_property
    def platform(self) -> tuple[str, str]:
        """(operating system, architecture) of the containers that it runs."""
        version = self.version()
        return str(version.get("Os", "")), str(version.get("Arch", ""))

    # streams, and what takes the SDK's own ways

    def pull(self, reference: str) -> Iterator[Json]:
        """Pull; yields the Engine's progress events, and raises on one that tells of an error."""
        doing = f"pull image `{reference}`"
        with self._streaming(doing) as api:
            repository, tag = split_reference(reference)
            given = _credentials(api, repository)
            events = api.pull(repository, tag=tag, stream=True, decode=True, auth_config=given)
            for event in events:
                if "error" in event:
                    raise EngineRefusal(doing, 0, str(event["error"]).strip())
                yield event

    def find_in_registry(self, reference: str) -> Json:
        """What the registry tells of an image, its `Platforms` for one; EngineError without it."""

        def ask(api: "APIClient") -> Json:
            given = _credentials(api, reference)
            return dict(api.inspect_distribution(reference, given))  # type: ignore[no-untyped-call]

        return self._ask(f"find image `{reference}` in its registry", ask)

    def logs(self, container: str, *, tail: int | None, follow: bool = False) -> Iterator[bytes]:
        """stdout and stderr of a container in pieces that need not end with a line."""
        with missing_is_fine(), self._streaming(f"read the log of {spelled(container)}") as api:
            yield from api.logs(
                container, stream=True, follow=follow, tail="all" if tail is None else tail
            )

    @contextmanager
    def events(self, project_label: str, since: str) -> Iterator[Iterator[Json]]:
        """Container events as they come; leaving the block closes the stream."""
        with self._streaming("follow events") as api:
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

        def ask(api: "APIClient") -> Any:  # noqa: ANN401 - the same
            response = api.get(api.base_url + target)
            if response.status_code >= _BAD_REQUEST:
                raise EngineRefusal(doing, response.status_code, reason_of(response.content))
            return response.json()

        return self._ask(doing, ask)

    def _ask(self, doing: str, call: "Callable[[APIClient], T]", limit_s: float | None = None) -> T:
        with self._refusals(doing):
            # The SDK waits for ever: how long is for the Engine's pulse to say.
            api = self._client(None)
            try:
                return self.pulse.call(doing, lambda: call(api), limit_s)
            except EngineError:
                # It may be in use still, by the call that nobody waits for.
                self._local.clients.pop(None)
                raise

    def _post(self, doing: str, path: str, body: Mapping[str, object]) -> None:
        self._ask(doing, lambda api: _checked(api, path, body))

    @contextmanager
    def _streaming(self, doing: str) -> "Iterator[APIClient]":
        """This thread's SDK client for answers that come bit by bit."""
        self.pulse.check(doing)
        with self._refusals(doing):
            yield self._client(STREAM_TIMEOUT_S)

    def _client(self, timeout_s: float | None) -> "APIClient":
        clients: dict[float | None, APIClient] = self._local.__dict__.setdefault("clients", {})
        if timeout_s not in clients:
            clients[timeout_s] = _sdk(self._way, self.api, timeout_s)
        return clients[timeout_s]

    @contextmanager
    def _refusals(self, doing: str) -> Iterator[None]:
        """Whatever the SDK raises becomes an EngineError."""
        from docker.errors import APIError, DockerException
        from requests.exceptions import RequestException

        try:
            yield
        except APIError as error:
            status, reason = error.status_code or 0, str(error.explanation or error).strip()
            raise EngineRefusal(doing, status, reason) from error
        except (DockerException, RequestException, OSError) as error:
            raise unreachable(error, self.address.host, STREAM_TIMEOUT_S, doing) from error


def _newest_api(way: Way, timeout_s: float) -> str:
    """The newest API version of what answers there; "" where it names none."""
    address = way.address
    if reader := way.reader(timeout_s):
        with closing(reader):
            return reader.newest_api()
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    try:
        api = _sdk(way, OLDEST_API, timeout_s)
        # Raw, for the SDK stumbles over errors that are not in the Engine's form.
        response = api.get(f"{api.base_url}/version", timeout=timeout_s)
        if response.status_code >= _BAD_REQUEST:
            raise no_engine(address.host, reason_of(response.content))
        return str(dict(response.json()).get("ApiVersion", ""))
    except (DockerException, RequestException, OSError) as error:
        raise unreachable(error, address.host, timeout_s) from error


def _sdk(way: Way, version: ApiVersion, timeout_s: float | None) -> "APIClient":
    from docker import APIClient
    from docker.tls import TLSConfig

    tls: TLSConfig | bool = False
    if (wanted := way.address.tls) is not None:
        authority = wanted.authority if wanted.verify else None
        tls = TLSConfig(client_cert=wanted.pair, ca_cert=authority, verify=wanted.verify)
    # None is for ever, which the SDK's types forget.
    seconds: Any = None if timeout_s is None else math.ceil(timeout_s)
    api = APIClient(way.url, str(version), seconds, tls)
    if tls and api.verify is not True:
        # Given with each request, or REQUESTS_CA_BUNDLE would win over the Engine's authority.
        setattr(api, "request", partial(api.request, verify=api.verify))  # noqa: B010 - for mypy
    return api


def _ping(way: Way, timeout_s: float) -> Exception | None:
    """What came instead of an answer within the time."""
    try:
        if reader := way.reader(timeout_s):
            with closing(reader):
                reader.ping()
        else:
            with closing(_sdk(way, OLDEST_API, timeout_s)) as api:
                api.get(f"{api.base_url}/_ping", timeout=timeout_s)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is no answer
        return error
    return None


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
