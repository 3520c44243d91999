"""One HTTP request with one deadline; a failure to get an answer as a cause in plain words."""

import base64
import contextlib
import http.client
import json
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import SplitResult, unquote, urlencode, urlsplit

from obsctl.engine.components.access import Access

MAX_BODY_BYTES: Final = 256 * 2**20
"""More than the largest answer that is asked for: 10,000 targets are some 10 MB."""
_CHUNK_BYTES: Final = 2**18
_CLOSED: Final = -1
_NO_TLS: Final = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"})


class ProbeError(Exception):
    """There is no usable answer; `code` is a cause, `values` fill its placeholders."""

    def __init__(self, code: str, evidence: str, **values: object) -> None:
        super().__init__(evidence)
        self.code = code
        self.evidence = evidence
        self.values = values


@dataclass(frozen=True, slots=True)
class Credentials:
    user: str
    password: str = field(repr=False)

    @property
    def header(self) -> str:
        raw = f"{self.user}:{self.password}".encode()
        return "Basic " + base64.b64encode(raw).decode("ascii")


@dataclass(frozen=True, slots=True)
class Request:
    """`url` is absolute; a body that is a mapping or list is sent as JSON."""

    url: str
    method: str = "GET"
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    credentials: Credentials | None = None
    trust: Access | None = None  # where the server's certificate is the stack's own


@dataclass(frozen=True, slots=True)
class Answer:
    """Header names are in lower case; `seconds` is from connect to the last byte."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:  # noqa: ANN401 - the shape is the component's
        """The body as JSON; ProbeError where it is none: something else answered."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise ProbeError("wrong-answer", f"{self.url}: {self.excerpt}", url=self.url) from None

    @property
    def excerpt(self) -> str:
        """Status and the start of the body on one line, as evidence."""
        start = " ".join(self.text[:300].split())
        return f"HTTP {self.status}: {start}" if start else f"HTTP {self.status}, empty body"


def query_request(expr: str) -> Request:
    """An instant query to Prometheus; by POST, as long expressions do not fit a URL."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    return Request("/api/v1/query", "POST", urlencode({"query": expr}).encode(), form)


def send(request: Request, timeout_s: float) -> Answer:
    """Send `request`; the whole of it ends within about `timeout_s`, or ProbeError."""
    started = time.monotonic()
    deadline = started + timeout_s
    parts = urlsplit(request.url)
    with _plain_errors(parts, timeout_s), _connection(request, timeout_s) as connection:
        body, headers = _payload(request, parts)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(request.method, target, body=body, headers=headers)
        sock = connection.sock  # http.client forgets it when the answer says `close`
        _limit(sock, deadline)
        response = connection.getresponse()
        data = b"".join(_chunks(sock, response, deadline))
        names = {
            name.lower(): ", ".join(response.headers.get_all(name, ())) for name in response.headers
        }
        return Answer(
            _without_password(parts), response.status, names, data, time.monotonic() - started
        )


def listens(host: str, port: int, timeout_s: float = 0.5) -> bool:
    """Whether something accepts TCP connections there."""
    try:
        socket.create_connection((host, port), timeout_s).close()
    except OSError:
        return False
    return True


def _payload(request: Request, parts: SplitResult) -> tuple[bytes | None, dict[str, str]]:
    headers = {"Accept": "*/*", "Connection": "close", **request.headers}
    credentials = request.credentials
    if credentials is None and parts.username is not None:
        credentials = Credentials(unquote(parts.username), unquote(parts.password or ""))
    if credentials is not None:
        headers["Authorization"] = credentials.header
    if request.body is None or isinstance(request.body, bytes):
        return request.body, headers
    headers.setdefault("Content-Type", "application/json")
    return json.dumps(request.body).encode(), headers


@contextlib.contextmanager
def _connection(request: Request, timeout_s: float) -> Iterator[http.client.HTTPConnection]:
    parts = urlsplit(request.url)
    host, port = parts.hostname or "", parts.port
    connection: http.client.HTTPConnection
    if request.trust is not None and parts.scheme == "https":
        connection = request.trust.connection(host, port or 443, timeout_s)
    elif parts.scheme == "https":
        connection = http.client.HTTPSConnection(host, port, timeout=timeout_s)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
    try:
        yield connection
    finally:
        connection.close()


def _limit(sock: socket.socket, deadline: float) -> None:
    # A socket's timeout holds for one read; what is left of the deadline is set before each.
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    if sock.fileno() != _CLOSED:
        sock.settimeout(left)


def _chunks(
    sock: socket.socket, response: http.client.HTTPResponse, deadline: float
) -> Iterator[bytes]:
    size = 0
    while chunk := response.read1(_CHUNK_BYTES):
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise http.client.HTTPException(f"answer is larger than {MAX_BODY_BYTES} bytes")
        yield chunk
        _limit(sock, deadline)


@contextlib.contextmanager
def _plain_errors(parts: SplitResult, timeout_s: float) -> Iterator[None]:
    """Turn what the network throws into causes; TimeoutError and others are OSErrors too."""
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    place = {"host": host, "port": port, "url": _without_password(parts)}
    try:
        yield
    except ConnectionRefusedError:
        raise ProbeError("not-listening", f"{host}:{port}: connection refused", **place) from None
    except socket.gaierror as error:
        raise ProbeError("name-unknown", f"{host}: {error.strerror}", **place) from None
    except TimeoutError:
        evidence = f"{place['url']}: no complete answer within {timeout_s:g} s"
        raise ProbeError("no-answer", evidence, **place) from None
    except ssl.SSLError as error:
        raise ProbeError("tls-failed", f"{place['url']}: {_tls_words(error)}", **place) from None
    except (http.client.HTTPException, ConnectionError) as error:
        words = str(error) or type(error).__name__
        raise ProbeError("no-http", f"{place['url']}: {words}", **place) from None
    except OSError as error:
        words = error.strerror or str(error)
        raise ProbeError("unreachable", f"{place['url']}: {words}", **place) from None


def _tls_words(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate: {error.verify_message}"
    return "it does not speak TLS" if error.reason in _NO_TLS else str(error)


def _without_password(parts: SplitResult) -> str:
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
