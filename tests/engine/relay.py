"""A relay of TCP connections to a server: cuts some of them, or stalls in their middle."""

import contextlib
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

_PIECE = 65536


@dataclass
class Relay:
    """Listens at 127.0.0.1:`port`. The next `to_cut` connections are closed as they come.

    After `allowed` bytes of answers nothing more comes through until `release` is called.
    """

    connect: Callable[[], socket.socket]
    to_cut: int = 0
    allowed: int | None = None
    cut: int = 0
    stalled: threading.Event = field(default_factory=threading.Event)
    port: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _released: threading.Event = field(default_factory=threading.Event)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def release(self) -> None:
        """End the stall, for all that is to come as well."""
        self.allowed = None
        self._released.set()

    def serve(self, client: socket.socket) -> None:
        with self._lock:
            if self.to_cut > 0:
                self.to_cut -= 1
                self.cut += 1
                return
        with contextlib.suppress(OSError), self.connect() as server:
            back = threading.Thread(target=self._answers, args=(server, client), daemon=True)
            back.start()
            while data := client.recv(_PIECE):
                server.sendall(data)
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_WR)
            back.join()

    def _answers(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(_PIECE):
                self._take(len(data))
                client.sendall(data)
            client.shutdown(socket.SHUT_WR)

    def _take(self, count: int) -> None:
        with self._lock:
            if self.allowed is None:
                return
            self.allowed -= count
            over = self.allowed < 0
        if over:
            self.stalled.set()
            self._released.wait()


@contextlib.contextmanager
def relayed(
    connect: Callable[[], socket.socket], tls: ssl.SSLContext | None = None
) -> Iterator[Relay]:
    """A relay for the block; with `tls` those who come have to speak that."""
    relay = Relay(connect)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            if tls is None:
                relay.serve(self.request)
                return
            with (
                contextlib.suppress(OSError),
                tls.wrap_socket(self.request, server_side=True) as client,
            ):
                relay.serve(client)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), Handler) as server:
        relay.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield relay
        finally:
            relay.release()
            server.shutdown()


def to_port(address: str) -> Callable[[], socket.socket]:
    """Connects to host:port."""
    host, _, port = address.rpartition(":")
    return lambda: socket.create_connection((host, int(port)))


def to_socket(path: str) -> Callable[[], socket.socket]:
    """Connects to a unix socket."""

    def connect() -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(path)
        return connection

    return connect
