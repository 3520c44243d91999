"""Hashes and certificates under secrets/: made once, made again when what they follow changes."""

import ssl
import stat
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import bcrypt
import pytest
import yaml

from obsctl.errors import ProjectFileError, RenderError
from obsctl.project.certificates import RENEW_BEFORE, ends
from obsctl.project.derived import Derived, derive, is_looked_at_again

NOW = datetime(2026, 11, 23, tzinfo=UTC)
BOTH = Derived(
    "ops",
    "web_password",
    guarded=("node", "prometheus"),
    encrypted=("prometheus",),
    hosts=("localhost",),
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "secrets").mkdir(mode=0o700)
    give(tmp_path, b"p$ss {{ 'w\"ord\\")
    return tmp_path


def give(root: Path, password: bytes) -> None:
    path = root / "secrets/web_password"
    path.unlink(missing_ok=True)
    path.write_bytes(password)


def contents(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (root / "secrets").iterdir()}


def users(root: Path, service: str) -> dict[str, str]:
    text = (root / f"secrets/{service}.web.yml").read_text()
    found: dict[str, str] = yaml.safe_load(text)["basic_auth_users"]
    return found


def test_the_hash_is_of_the_password_and_the_paths_are_those_of_the_certificate(root: Path) -> None:
    derive(root, BOTH, NOW)
    password = (root / "secrets/web_password").read_bytes()
    assert bcrypt.checkpw(password, users(root, "prometheus")["ops"].encode())
    assert users(root, "node") == users(root, "prometheus")
    document = yaml.safe_load((root / "secrets/prometheus.web.yml").read_text())
    assert document["tls_server_config"] == {
        "cert_file": "prometheus.crt",
        "key_file": "prometheus.key",
    }
    assert "tls_server_config" not in yaml.safe_load((root / "secrets/node.web.yml").read_text())


def test_the_hash_alone_is_for_those_that_read_it_at_their_start(root: Path) -> None:
    wanted = replace(BOTH, hashed=("cache-exporter",))
    assert "cache-exporter.hash" in derive(root, wanted, NOW)
    alone = (root / "secrets/cache-exporter.hash").read_text()
    assert alone == users(root, "prometheus")["ops"]
    assert derive(root, wanted, NOW) == ()
    give(root, b"another-one")
    assert "cache-exporter.hash" in derive(root, wanted, NOW)
    assert bcrypt.checkpw(b"another-one", (root / "secrets/cache-exporter.hash").read_bytes())
    assert is_looked_at_again("prometheus.web.yml")
    assert not is_looked_at_again("cache-exporter.hash")
    assert not is_looked_at_again("web_password")


def test_a_record_of_an_older_version_is_read() -> None:
    data = asdict(BOTH)
    assert Derived.read(data) == BOTH
    del data["hashed"]
    assert Derived.read(data) == BOTH


def test_a_second_run_writes_nothing(root: Path) -> None:
    assert derive(root, BOTH, NOW)
    before = contents(root)
    assert derive(root, BOTH, NOW + timedelta(days=300)) == ()
    assert contents(root) == before


def test_a_changed_password_changes_the_hashes_only_and_in_place(root: Path) -> None:
    derive(root, BOTH, NOW)
    inode = (root / "secrets/prometheus.web.yml").stat().st_ino
    give(root, b"another")
    assert derive(root, BOTH, NOW) == ("node.web.yml", "prometheus.web.yml")
    assert bcrypt.checkpw(b"another", users(root, "prometheus")["ops"].encode())
    assert (root / "secrets/prometheus.web.yml").stat().st_ino == inode


def test_modes_let_containers_read_and_keep_the_authority_s_key_on_the_host(root: Path) -> None:
    made = derive(root, BOTH, NOW)
    modes = {name: stat.S_IMODE((root / "secrets" / name).stat().st_mode) for name in made}
    assert modes.pop("ca.key") == 0o400
    assert set(modes.values()) == {0o444}


@pytest.mark.parametrize(("days", "renews"), [(334, False), (336, True), (400, True)])
def test_a_certificate_is_renewed_before_it_ends(root: Path, days: int, *, renews: bool) -> None:
    derive(root, BOTH, NOW)
    later = NOW + timedelta(days=days)
    assert derive(root, BOTH, later) == (("prometheus.crt", "prometheus.key") if renews else ())
    assert ends((root / "secrets/prometheus.crt").read_bytes()) > later + RENEW_BEFORE


def test_another_address_makes_another_certificate(root: Path) -> None:
    derive(root, BOTH, NOW)
    more = Derived("ops", "web_password", (), ("prometheus",), ("localhost", "10.0.0.10"))
    assert derive(root, more, NOW) == ("prometheus.crt", "prometheus.key")


def test_the_authority_s_end_renews_everything(root: Path) -> None:
    derive(root, BOTH, NOW)
    made = derive(root, BOTH, NOW + timedelta(days=3630))
    assert made == ("ca.crt", "ca.key", "prometheus.crt", "prometheus.key")


@pytest.mark.parametrize("name", ["ca.key", "ca.crt", "prometheus.key", "prometheus.crt"])
@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_what_a_run_that_was_cut_off_left_is_made_whole(
    root: Path, name: str, content: bytes | None
) -> None:
    derive(root, BOTH, NOW)
    path = root / "secrets" / name
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    assert name in derive(root, BOTH, NOW)
    assert derive(root, BOTH, NOW) == ()


def test_openssl_accepts_the_chain(root: Path) -> None:
    derive(root, BOTH)
    folder = root / "secrets"
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "prometheus.crt", folder / "prometheus.key")
    client = ssl.create_default_context(cafile=folder / "ca.crt")
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    ends_ = [(ssl.MemoryBIO(), ssl.MemoryBIO())]
    to_server, to_client = ends_[0]
    here = client.wrap_bio(to_client, to_server, server_hostname="prometheus")
    there = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(3):
        for end in (here, there):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert here.getpeercert()["subject"] == ((("commonName", "prometheus"),),)  # type: ignore[index]


@pytest.mark.parametrize("password", [b"x" * 73, b"a\0b"])
def test_a_password_that_bcrypt_would_cut_is_refused(root: Path, password: bytes) -> None:
    give(root, password)
    with pytest.raises(ProjectFileError, match="cannot be the password of web access") as caught:
        derive(root, BOTH, NOW)
    assert password.decode() not in str(caught.value)
    assert not (root / "secrets/prometheus.web.yml").exists()


def test_a_link_is_never_written_through(root: Path) -> None:
    elsewhere = root / "elsewhere"
    elsewhere.write_bytes(b"")
    (root / "secrets/node.web.yml").symlink_to(elsewhere)
    with pytest.raises(RenderError):
        derive(root, BOTH, NOW)
    assert elsewhere.read_bytes() == b""
