"""How the Engine at an address is reached from here."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from obsctl.engine.connection.address import Address
from obsctl.engine.connection.pulse import Pulse
from obsctl.engine.connection.reader import SocketReader

if TYPE_CHECKING:
    from obsctl.engine.connection.tunnel import Tunnel


@dataclass(frozen=True, slots=True)
class Way:
    """`tunnel` leads to an Engine over ssh, and lives as long as this."""

    address: Address
    tunnel: "Tunnel | None" = None

    @classmethod
    def to(cls, address: Address, timeout_s: float) -> "Way":
        """Connect as far as that needs something of its own; EngineError when it fails."""
        if not address.host.startswith("ssh://"):
            return cls(address)
        from obsctl.engine.connection.tunnel import open_tunnel

        return cls(address, open_tunnel(address.host, timeout_s))

    @property
    def socket(self) -> str | None:
        """A unix socket on this machine that leads to the Engine, if any."""
        return str(self.tunnel.socket) if self.tunnel else self.address.socket

    @property
    def url(self) -> str:
        """As the SDK takes it."""
        return f"unix://{self.socket}" if self.socket else self.address.host

    def reader(self, timeout_s: float, pulse: Pulse | None = None) -> SocketReader | None:
        """A reader of that socket; with a `pulse` it waits for as long as the Engine lives."""
        if not self.socket:
            return None
        return SocketReader(self.socket, timeout_s, self.address.host, pulse)
