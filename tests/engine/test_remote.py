"""An Engine over tcp, ssh and docker contexts, and one that does not see the project's files."""

import hashlib
import http.server
import json
import os
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import docker
import pytest

from obsctl.engine.client import Engine
from tests.engine.proxy import proxied
from tests.engine.relay import Relay, relayed, to_socket
from tests.engine.small_stack import Done, Kit, Project, finish
from tests.engine.test_unreachable import refusal
from tests.kit.certificates import Authority
from tests.kit.host import KitUnavailable
from tests.kit.private import PrivateEngine, private_engine
from tests.kit.ssh import Server, sshd
from tests.tiers import unavailable

GUARDED = "127.0.0.1:2376"  # in a network of its own
_TLS = (("cacert", "ca"), ("cert", "cert"), ("key", "key"))


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


@dataclass(frozen=True)
class Guarded:
    """An Engine of the test's own that wants TLS of both sides; `folder` has certificates."""

    engine: PrivateEngine
    authority: Authority
    folder: Path

    def reached_with(self, certificates: Path | None, project: Project, action: str) -> Done:
        """The driver's `action`, with what docker's own command line would be given as well."""
        settings = {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(certificates)}
        with pytest.MonkeyPatch.context() as patch:
            for name, value in (settings if certificates else {}).items():
                patch.setenv(name, value)
            inside = replace(project, kit=replace(project.kit, enter=tuple(self.engine.enter)))
            return finish(inside.start(action, docker_host=f"tcp://{GUARDED}"))


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, kit: Kit) -> Iterator[Guarded]:
    assert kit.docker_host
    folder = tmp_path_factory.mktemp("tls")
    authority = Authority.make("kit")
    own = authority.write(folder / "engine", "engine", address="127.0.0.1")
    files = (f"--tls{option}={own / name}.pem" for option, name in _TLS)
    try:
        with private_engine("new", f"--host=tcp://{GUARDED}", "--tlsverify", *files) as engine:
            yield Guarded(engine, authority, folder)
    except KitUnavailable as reason:
        unavailable("engine", str(reason))


def test_a_guarded_engine_that_does_not_see_the_files(
    guarded: Guarded, project: Project, short_path: Path
) -> None:
    """Over TLS. Its mounts are its own: there, the project's directory is empty."""
    ours = guarded.authority.write(guarded.folder / "ours", "us")
    hidden = ("mount", "-t", "tmpfs", "none", str(project.root))
    pid = str(guarded.engine.pid)
    subprocess.run(["nsenter", "--target", pid, "--mount", "--", *hidden], check=True)
    planned = guarded.reached_with(ours, project, "plan")
    assert planned.code == 0, planned
    assert "create prometheus" in planned.stdout
    done = guarded.reached_with(ours, project, "up")
    assert done.code == 5, done
    assert f"the Engine at `tcp://{GUARDED}` does not see the files" in done.stderr
    assert "hint: run obsctl on the Engine's machine" in done.stderr
    with proxied(short_path / "p", guarded.engine.docker_host) as proxy:
        # The one question, which makes nothing. Through a relay: a socket may be forwarded too.
        with relayed(to_socket(str(short_path / "p"))) as tcp:
            assert project.up(docker_host=f"tcp://{tcp.address}").code == 5
        assert {call.path.partition("?")[0] for call in proxy.calls} == {"/containers/create"}
    down = guarded.reached_with(ours, project, "down")
    assert down.code == 0, down
    with closing(docker.APIClient(guarded.engine.docker_host, version="auto")) as api:
        assert api.containers(all=True) == []


def test_certificates_that_do_not_fit(guarded: Guarded, project: Project) -> None:
    right, other = guarded.authority, Authority.make("another")
    untrusted = other.write(guarded.folder / "untrusted", "us")
    (untrusted / "ca.pem").write_bytes(right.pem)
    trusting = right.write(guarded.folder / "trusting", "us")
    (trusting / "ca.pem").write_bytes(other.pem)
    incomplete = right.write(guarded.folder / "incomplete", "us")
    (incomplete / "cert.pem").unlink()
    cases = {
        untrusted: ("it refuses our certificate, as its authority has not signed", "cert.pem and"),
        trusting: ("its certificate is not signed by the authority that we trust", "into ca.pem"),
        incomplete: (f"`{incomplete}` has no cert.pem for the Docker Engine's TLS", "set DOCKER_"),
        right.write(guarded.folder / "expired", "us", expired=True): (
            "it refuses our certificate, which has expired",
            "put a new cert.pem",
        ),
        None: ("is no Docker Engine: Client sent an HTTP request", "it wants TLS: set DOCKER_TLS"),
    }
    for certificates, (words, hint) in cases.items():
        done = guarded.reached_with(certificates, project, "plan")
        assert done.code == 5, done
        assert "Traceback" not in done.stderr
        assert words in done.stderr, done
        assert hint in done.stderr.partition("hint: ")[2], done


def test_what_the_engines_own_certificate_says(
    kit: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority.make("kit")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(authority.write(tmp_path / "ours", "us")))
    # A machine's own bundle of authorities is for the web.
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
    engine = to_socket(kit.docker_host.removeprefix("unix://"))
    expired = authority.write(tmp_path / "old", "engine", address="127.0.0.1", expired=True)
    with relayed(engine, serving(expired)) as relay:
        words = refusal(monkeypatch, f"tcp://{relay.address}")
        assert "its certificate has expired (" in words
    named = authority.write(tmp_path / "named", "engine", address="127.0.0.2")
    with relayed(engine, serving(named)) as relay:
        words = refusal(monkeypatch, f"tcp://{relay.address}")
        assert "its certificate is not for this name (" in words
    good = authority.write(tmp_path / "good", "engine", address="127.0.0.1")
    with relayed(engine, serving(good)) as relay:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://{relay.address}")
        assert Engine.open().info()["OSType"] == "linux"


def serving(certificates: Path) -> ssl.SSLContext:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificates / "cert.pem", certificates / "key.pem")
    return tls


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
