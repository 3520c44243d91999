"""Where the Engine is looked for: what is an address, and what TLS needs."""

import hashlib
import json
from pathlib import Path

import pytest

from obsctl.engine.connection.address import Encryption, find_address
from obsctl.errors import EngineError


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))


@pytest.mark.parametrize(
    "host",
    ["unix:///run/x.sock", "tcp://a:2375", "tcp://[::1]:2376", "https://a", "ssh://u@h:22/run/x"],
)
def test_addresses(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    assert find_address().host == host
    assert find_address().tls is None


@pytest.mark.parametrize(
    "host", ["garbage", "unix://", "tcp://", "tcp://a:x", "npipe://a", "ssh://"]
)
def test_what_is_no_address(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    with pytest.raises(EngineError, match="DOCKER_HOST is no address") as caught:
        find_address()
    assert "tcp://HOST:2376" in (caught.value.problems[0].hint or "")


def test_a_bare_path_gets_its_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "/run/docker.sock")
    with pytest.raises(EngineError) as caught:
        find_address()
    assert caught.value.problems[0].hint == "write unix:///run/docker.sock"


def test_certificates_that_are_missing_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://a:2376")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    (tmp_path / "ca.pem").touch()
    with pytest.raises(EngineError, match=r"has no cert\.pem, key\.pem for"):
        find_address()
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).touch()
    tls = find_address().tls
    assert tls == Encryption(tmp_path, verify=True)
    assert tls.authority == str(tmp_path / "ca.pem")
    assert tls.pair == (str(tmp_path / "cert.pem"), str(tmp_path / "key.pem"))


@pytest.mark.parametrize("has_files", [True, False])
def test_a_context_brings_its_tls(tmp_path: Path, *, has_files: bool) -> None:
    key = hashlib.sha256(b"far").hexdigest()
    meta = tmp_path / "contexts" / "meta" / key / "meta.json"
    meta.parent.mkdir(parents=True)
    endpoint = {"Host": "tcp://far:2376", "SkipTLSVerify": not has_files}
    meta.write_text(json.dumps({"Endpoints": {"docker": endpoint}}))
    (tmp_path / "config.json").write_text(json.dumps({"currentContext": "far"}))
    directory = tmp_path / "contexts" / "tls" / key / "docker"
    if has_files:
        directory.mkdir(parents=True)
        (directory / "ca.pem").touch()
    address = find_address()
    assert address.host == "tcp://far:2376"
    assert address.tls is not None
    assert address.tls.verify is has_files
    assert address.tls.authority == (str(directory / "ca.pem") if has_files else None)
    assert address.tls.pair is None
