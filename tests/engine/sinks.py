"""What receivers of notifications would be: an HTTP and an SMTP server that keep what they get."""

import email
import email.policy
import json
import socketserver
import threading
from dataclasses import dataclass, field
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# Telegram's answer, which the others read as a success too.
_ANSWER = b'{"ok": true, "result": {"message_id": 1, "date": 1, "chat": {"id": 1}}}'


@dataclass(slots=True)
class Sinks:
    """Both servers on one address; `posts` by path, `mails` in the order of arrival."""

    address: str
    posts: dict[str, list[Any]] = field(default_factory=dict)
    mails: list[EmailMessage] = field(default_factory=list)
    _servers: list[socketserver.BaseServer] = field(default_factory=list)

    def start(self) -> tuple[int, int]:
        """The ports of HTTP and of SMTP."""
        ports = []
        for server in (
            ThreadingHTTPServer((self.address, 0), _http(self)),
            socketserver.ThreadingTCPServer((self.address, 0), _smtp(self)),
        ):
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            self._servers.append(server)
            ports.append(int(server.server_address[1]))
        return ports[0], ports[1]

    def stop(self) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()


def _http(sinks: Sinks) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            sinks.posts.setdefault(self.path, []).append(json.loads(body))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(_ANSWER)))
            self.end_headers()
            self.wfile.write(_ANSWER)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Nothing on the test's stderr."""

    return Handler


def _smtp(sinks: Sinks) -> type[socketserver.StreamRequestHandler]:
    """As much of RFC 5321 as it takes to be handed a message."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.say("220 sink ESMTP")
            while line := self.rfile.readline().decode().strip():
                command = line.split()[0].upper()
                if command == "DATA":
                    self.say("354 go on")
                    sinks.mails.append(self.message())
                self.say("221 bye" if command == "QUIT" else "250 ok")
                if command == "QUIT":
                    return

        def message(self) -> EmailMessage:
            lines = []
            while (line := self.rfile.readline()) not in (b".\r\n", b""):
                lines.append(line.removeprefix(b"."))
            found = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
            assert isinstance(found, EmailMessage)
            return found

        def say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    return Handler
