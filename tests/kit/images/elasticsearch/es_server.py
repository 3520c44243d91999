"""The Elasticsearch stand-in: settings, bootstrap and start of the node."""

from __future__ import annotations

import os
import secrets
import ssl
import sys
from pathlib import Path

from es_admin_routes import AdminRoutes
from es_api import Node
from es_document_routes import DocumentRoutes
from es_settings import SettingsError, bootstrap_password, http_certificate, read_settings
from es_store import Store
from standin import Faults, fail, log, serve
from standin_tls import server_context


def writable(folder: Path) -> None:
    """Raise SettingsError where the real process would fail to write."""
    if not os.access(folder, os.W_OK):
        raise SettingsError(f"java.nio.file.AccessDeniedException: {folder}")


def encryption(files: tuple[Path, Path] | None) -> ssl.SSLContext | None:
    """Return what the HTTP interface presents; raise SettingsError where it can't be loaded."""
    try:
        return server_context(*files) if files else None
    except OSError as error:
        raise SettingsError(
            f"failed to load SSL configuration [xpack.security.http.ssl] - {error}"
        ) from error


def start(home: Path) -> tuple[Node, ssl.SSLContext | None]:
    """Do what the entry point and the node do before the HTTP port opens."""
    password = bootstrap_password(os.environ)
    configuration = Path(os.environ.get("ES_PATH_CONF", home / "config"))
    file = configuration / "elasticsearch.yml"
    file_text = file.read_text("utf-8") if file.exists() else ""
    settings = read_settings(file_text, os.environ, sys.argv[1:])
    writable(Path("/tmp"))  # noqa: S108 - the entry point's here-strings need it
    writable(configuration)
    (configuration / "elasticsearch.keystore").touch(mode=0o660)
    data = Path(settings.get("path.data", home / "data"))
    writable(data)
    tls = encryption(http_certificate(settings, configuration))
    node = Node(Store(data), settings, Faults.from_environment(), configuration / "users")
    AdminRoutes(node)
    DocumentRoutes(node)
    node.management.bootstrap(password or secrets.token_urlsafe(15))
    return node, tls


def main() -> None:
    """Run the node."""
    home = Path(os.environ.get("STANDIN_HOME", "/usr/share/elasticsearch"))
    try:
        node, tls = start(home)
    except SettingsError as error:
        fail(str(error), error.code)
    port = int(node.settings.get("http.port", 9200))
    host = node.settings.get("http.host") or node.settings.get("network.host") or "127.0.0.1"
    log(f'{{"log.level":"INFO","message":"started","node.name":"{node.name}","port":{port}}}')
    serve(node, {"_local_": "127.0.0.1"}.get(host, host), port, exit_code=143, tls=tls)


if __name__ == "__main__":
    main()
