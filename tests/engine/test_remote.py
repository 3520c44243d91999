"""An Engine over tcp, ssh and docker contexts, and one that does not see the project's files."""

import hashlib
import http.server
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from obsctl.engine.client import Engine
from tests.engine.proxy import proxied
from tests.engine.relay import Relay, relayed, to_socket
from tests.engine.small_stack import Kit, Project
from tests.engine.test_unreachable import refusal
from tests.kit.host import KitUnavailable
from tests.kit.private import private_engine
from tests.kit.ssh import Server, sshd
from tests.tiers import unavailable


@pytest.fixture
def tcp(kit: Kit) -> Iterator[Relay]:
    with relayed(to_socket(kit.docker_host.removeprefix("unix://"))) as relay:
        yield relay


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    try:
        with sshd(tmp_path / "sshd") as running:
            yield running
    except KitUnavailable as reason:
        unavailable("engine", str(reason))


def context(folder: Path, name: str, host: str) -> None:
    """As `docker context create` writes it."""
    key = hashlib.sha256(name.encode()).hexdigest()
    meta = folder / "contexts" / "meta" / key / "meta.json"
    meta.parent.mkdir(parents=True)
    meta.write_text(json.dumps({"Name": name, "Endpoints": {"docker": {"Host": host}}}))


def outline(project: Project) -> dict[str, object]:
    """The shape without labels: docker compose may have made the containers of before."""
    shape = project.shape()
    containers = {
        name: (status, networks, image)
        for name, (status, _labels, networks, image) in shape["containers"].items()
    }
    return {**shape, "containers": containers}


def test_up_over_tcp_and_then_over_a_context(
    running: Project, tcp: Relay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Engine at this port sees our files: that is found out, not guessed."""
    before = outline(running)
    assert running.run("down", "--volumes").code == 0
    done = running.up(docker_host=f"tcp://{tcp.address}")
    assert done.code == 0, done
    assert outline(running) == before
    context(tmp_path, "far", f"tcp://{tcp.address}")
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("DOCKER_CONTEXT", "far")
    engine = Engine.open()
    assert engine.address.host == f"tcp://{tcp.address}"
    assert engine.is_local
    assert list((running.root / ".obsctl").glob("seen-*")) == []


def test_up_over_ssh(
    running: Project, server: Server, monkeypatch: pytest.MonkeyPatch, kit: Kit
) -> None:
    monkeypatch.setenv("PATH", f"{server.programs}{os.pathsep}{os.environ['PATH']}")
    before = running.shape()
    running.change("redis", mem_limit=536870912, memswap_limit=536870912)
    socket = kit.docker_host.removeprefix("unix://")
    done = running.up(docker_host=f"ssh://{server.address}{socket}")
    assert done.code == 0, done
    assert running.shape().keys() == before.keys()
    redis = running.container("redis")
    assert redis["HostConfig"]["Memory"] == 536870912
    refused = running.up(docker_host=f"ssh://{server.address}/nowhere.sock")
    assert refused.code == 5
    assert "error: " in refused.stderr
    assert "Traceback" not in refused.stderr


def test_ssh_that_does_not_let_us_in(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    # The machine's own ssh: it does not know this host's key.
    words = refusal(monkeypatch, f"ssh://{server.address}")
    assert words.startswith(f"no connection to the Docker Engine at `ssh://{server.address}`: ")


def test_an_engine_that_does_not_see_the_files(
    project: Project, kit: Kit, short_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its mounts are its own: there, the project's directory is empty."""
    assert kit.docker_host
    try:
        with private_engine("new") as engine:
            hidden = os.fspath(project.root)
            os.system(  # noqa: S605 - a path of the test's own
                f"nsenter --target {engine.pid} --mount -- mount -t tmpfs none {hidden}"
            )
            with (
                proxied(short_path / "p", engine.docker_host) as proxy,
                relayed(to_socket(str(short_path / "p"))) as tcp,
            ):
                done = project.up(docker_host=f"tcp://{tcp.address}")
                assert done.code == 5, done
                assert f"the Engine at `tcp://{tcp.address}` does not see the files" in done.stderr
                assert "hint: run obsctl on the Engine's machine" in done.stderr
                # The one question, which makes nothing.
                assert {call.path.partition("?")[0] for call in proxy.calls} == {
                    "/containers/create"
                }
                assert project.run("down").code == 0
                monkeypatch.setenv("DOCKER_HOST", f"tcp://{tcp.address}")
                assert Engine.open().containers() == []
    except KitUnavailable as reason:
        unavailable("engine", str(reason))


def test_what_is_no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Prometheus answers at /version, and as a web server does."""

    class Answer(http.server.BaseHTTPRequestHandler):
        status = 200

        def do_GET(self) -> None:
            self.send_response(self.status)
            self.end_headers()
            self.wfile.write(b'{"version": "3.13.2"}')

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as web:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        for status in (200, 404):
            Answer.status = status
            host = f"tcp://127.0.0.1:{web.server_port}"
            assert f"what answers at `{host}` is no Docker Engine" in refusal(monkeypatch, host)
        web.shutdown()
