"""How a component is asked: plainly, or over TLS and with a login, as its label says."""

import base64
import http.client
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from obsctl.conventions import AUTHORITY, SECRETS_DIRECTORY


@dataclass(frozen=True, slots=True)
class Access:
    """`name` is the server's own in its certificate; `secrets` is the host's directory of them."""

    name: str = ""
    secrets: Path = Path()
    tls: bool = False
    user: str = ""
    secret: str = ""

    @classmethod
    def of(cls, name: str, label: str, secrets: Path) -> "Access":
        """What the value of the label LABEL_ACCESS means; an empty one is plain HTTP for all."""
        scheme, _, login = label.partition(" ")
        user, _, secret = login.partition(" ")
        return cls(name, secrets, scheme == "https", user, secret)

    @property
    def scheme(self) -> str:
        return "https" if self.tls else "http"

    @property
    def headers(self) -> dict[str, str]:
        """The login; OSError where the password cannot be read."""
        if not self.secret:
            return {}
        pair = f"{self.user}:".encode() + (self.secrets / self.secret).read_bytes()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode('ascii')}"}

    def connection(self, host: str, port: int, timeout_s: float) -> http.client.HTTPConnection:
        """A connection that is yet to be opened; OSError where the authority cannot be read."""
        if not self.tls:
            return http.client.HTTPConnection(host, port, timeout=timeout_s)
        trust = ssl.create_default_context(cafile=self.secrets / AUTHORITY)
        return _NamedConnection(host, port, timeout_s, trust, self.name)


class _NamedConnection(http.client.HTTPSConnection):
    """HTTPS to a server that is known by another name than the address that leads to it."""

    def __init__(
        self, host: str, port: int, timeout_s: float, trust: ssl.SSLContext, name: str
    ) -> None:
        super().__init__(host, port, timeout=timeout_s, context=trust)
        self._trust, self._name = trust, name

    def connect(self) -> None:
        plain = socket.create_connection((self.host, self.port), self.timeout)
        try:
            self.sock = self._trust.wrap_socket(plain, server_hostname=self._name or self.host)
        except BaseException:
            plain.close()
            raise


def access_of(service: str, label: str, stack_directory: str) -> Access:
    """The access of a container that was made from the compose file in a directory."""
    return Access.of(service, label, Path(stack_directory).parent / SECRETS_DIRECTORY)
