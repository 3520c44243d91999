"""Where secrets come from: each source by itself, and what `up` makes of them in secrets/."""

import os
import pty
import stat
import sys
import time
from pathlib import Path

import pytest
import yaml

from obsctl.conventions import KIBANA_KEYS
from obsctl.project import secret_files
from obsctl.project.derived import Derived, derive
from obsctl.project.document import parse_document
from obsctl.project.load import check_document
from obsctl.project.secrets import generate, sources_of
from obsctl.project.sources import Source, SourceError
from obsctl.project.sourcing import bring_in, checked, placed

VALUE = "pa$w'o\"r\\d{{x}}"
PROJECT = """\
version: 1
project: demo
services:
  db: { kind: mongodb, address: 'db:1', credentials: { user: x, password: { secret: db } } }
notifications:
  receivers: { ops: { webhook: { url_secret: { secret: hook } } } }
  routes: { critical: [ops] }
secrets:
  db: { exec: [pass, show, db] }
  hook: { env: OBSCTL_TEST_HOOK }
  elastic_password: { file: ../elastic }
"""


def refusal(root: Path, source: Source, timeout_s: float = 5.0) -> str:
    with pytest.raises(SourceError) as caught:
        source.fetch(root, timeout_s)
    return str(caught.value)


def python(code: str) -> Source:
    return Source("exec", (sys.executable, "-c", code))


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """A directory that nobody else can enter."""
    tmp_path.chmod(0o700)
    return tmp_path


def test_sources_are_read_from_the_project_file() -> None:
    loaded = check_document(parse_document(PROJECT, Path("obsctl.yaml")))
    sources = sources_of(loaded.project)
    assert sources == {
        "db": Source("exec", ("pass", "show", "db")),
        "hook": Source("env", ("OBSCTL_TEST_HOOK",)),
        "elastic_password": Source("file", ("../elastic",)),
    }
    assert {n: Source.of(s.as_data()) for n, s in sources.items()} == sources


def test_a_variable_is_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OBSCTL_TEST", VALUE)
    assert Source("env", ("OBSCTL_TEST",)).fetch(tmp_path) == VALUE.encode()
    assert "not set" in refusal(tmp_path, Source("env", ("OBSCTL_TEST_ABSENT",)))


def test_a_file_loses_one_line_break(closed: Path) -> None:
    (closed / "key").write_text(f"{VALUE}\n")
    assert Source("file", ("key",)).fetch(closed) == VALUE.encode()
    assert "no such file" in refusal(closed, Source("file", ("absent",)))
    assert "no regular file" in refusal(closed, Source("file", (str(closed),)))


def test_a_file_that_everybody_can_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "key"
    file.write_text("a-long-value")
    monkeypatch.setattr("obsctl.project.sources._is_open", lambda _: True)
    file.chmod(0o644)
    assert "every user" in refusal(tmp_path, Source("file", ("key",)))
    file.chmod(0o640)
    assert Source("file", ("key",)).fetch(tmp_path) == b"a-long-value"


def test_a_fifo_does_not_hang(closed: Path) -> None:
    os.mkfifo(closed / "pipe", 0o600)
    assert "no regular file" in refusal(closed, Source("file", ("pipe",)))


def test_a_program_runs_without_a_shell_and_its_output_is_the_value(tmp_path: Path) -> None:
    source = Source("exec", ("printf", "%s\n", "$HOME;`id`"))
    assert source.fetch(tmp_path) == b"$HOME;`id`"


@pytest.mark.parametrize(
    ("source", "words"),
    [(Source("exec", ("/nowhere/pass",)), "no such file"),
     (Source("exec", ("no-such-pass", "canary-91")), "no program `no-such-pass` on PATH"),
     (python("import os; os.kill(os.getpid(), 9)"), "ended by signal 9"),
     (python("import sys; print('canary-91'); sys.exit('canary-91')"), "exit code 1"),
     (python("print('x' * 100_000)"), "more than 64 KiB"),
     (python("import time; time.sleep(60)"), "not ended after 0.5 s"),
     (python("import os, time; os.close(1); time.sleep(60)"), "not ended after 0.5 s")],
    ids=["absent", "unknown", "killed", "fails", "talks", "hangs", "closes-and-hangs"],
)  # fmt: skip
def test_a_program_that_gives_nothing_is_told_and_ended(
    tmp_path: Path, source: Source, words: str
) -> None:
    told = refusal(tmp_path, source, 0.5)
    assert words in told
    assert "canary" not in told


@pytest.mark.parametrize(
    ("output", "words"),
    [(b"", "is empty"), (b"canary-91\0\n", "control character"),
     (b"canary-91\ncanary-92\n", "several lines"), (b"canary-91\n\n", "ends with a line break"),
     (b"canary-\xff\xfe\n", "not UTF-8"), (b"canary 91\n", "holds a space"),
     (b"changeme\n", "everybody knows")],
    ids=["nothing", "nul", "lines", "break", "bytes", "space", "weak"],
)  # fmt: skip
def test_a_program_that_gives_no_value_is_told_what_is_wrong_with_it(
    tmp_path: Path, output: bytes, words: str
) -> None:
    source = python(f"import sys; sys.stdout.buffer.write({output!r})")
    with pytest.raises(SourceError, match=words) as caught:
        checked("hook", source, tmp_path)
    assert "canary" not in f"{caught.value} {caught.value.hint}"


def test_what_a_program_leaves_running_is_ended(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys; p = subprocess.Popen(['sleep', '60']);"
        "open('pid', 'w').write(str(p.pid)); print('a-long-value')"
    )
    assert python(code).fetch(tmp_path) == b"a-long-value"
    pid = int((tmp_path / "pid").read_text())
    # Its end was ordered; the kernel carries that out in its own time, or pytest's limit ends us.
    while is_alive(pid):
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_values_come_in_once_and_only_when_they_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = {"hook": Source("env", ("OBSCTL_TEST_HOOK",))}
    monkeypatch.setenv("OBSCTL_TEST_HOOK", VALUE)
    assert bring_in(tmp_path, sources).changed == ["hook"]
    file = tmp_path / "secrets" / "hook"
    before = file.stat()
    assert (file.read_text(), stat.S_IMODE(before.st_mode)) == (VALUE, 0o444)
    assert bring_in(tmp_path, sources).changed == []
    after = file.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    monkeypatch.delenv("OBSCTL_TEST_HOOK")
    assert "not set" in bring_in(tmp_path, sources).kept["hook"]
    assert file.read_text() == VALUE


def test_one_bad_source_keeps_all_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OBSCTL_TEST_GOOD", "a-good-value")
    monkeypatch.setenv("OBSCTL_TEST_WEAK", "hunter2")
    sources = {
        "one": Source("env", ("OBSCTL_TEST_GOOD",)),
        "two": Source("env", ("OBSCTL_TEST_WEAK",)),
        "three": Source("file", ("absent",)),
    }
    found = bring_in(tmp_path, sources)
    assert [problem.message for problem in found.problems] == [
        f"the source of the secret `three`: `{tmp_path}/absent`: no such file or directory",
        "the source of the secret `two`: its value is shorter than 8 characters",
    ]
    assert secret_files.read(tmp_path, "one") is None


def test_an_account_keeps_its_file_until_the_component_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate(tmp_path, ["elastic_password"])
    old = secret_files.read(tmp_path, "elastic_password")
    monkeypatch.setenv("OBSCTL_TEST", "another-value")
    found = bring_in(tmp_path, {"elastic_password": Source("env", ("OBSCTL_TEST",))})
    assert found.staged == ["elastic_password"]
    assert secret_files.read(tmp_path, "elastic_password") == old
    assert secret_files.staged(tmp_path, "elastic_password") == b"another-value"
    assert secret_files.pending(tmp_path) == ("elastic_password",)


def test_a_key_that_data_is_encrypted_with_changes_with_the_data_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("kibana_encryption_key", "grafana_secret_key")
    sources = {name: Source("env", ("OBSCTL_TEST",)) for name in names}
    monkeypatch.setenv("OBSCTL_TEST", "the-first-value-" * 3)
    assert bring_in(tmp_path, sources).changed == sorted(names)
    monkeypatch.setenv("OBSCTL_TEST", "another-value-" * 3)
    refused = bring_in(tmp_path, sources)
    (problem,) = refused.problems
    assert "`grafana_secret_key`: its value is not the key that Grafana has" in problem.message
    assert secret_files.pending(tmp_path) == ()
    del sources["grafana_secret_key"]
    assert bring_in(tmp_path, sources).staged == ["kibana_encryption_key"]
    assert secret_files.read(tmp_path, "kibana_encryption_key") == b"the-first-value-" * 3
    # A third one waits: data may be encrypted with either of the two.
    secret_files.promote(tmp_path, "kibana_encryption_key", keep=True)
    monkeypatch.setenv("OBSCTL_TEST", "a-third-value-" * 3)
    assert "encrypted anew first" in bring_in(tmp_path, sources).kept["kibana_encryption_key"]
    assert secret_files.pending(tmp_path) == ()


def test_a_former_key_is_delivered_as_long_as_it_is_kept(tmp_path: Path) -> None:
    name = "kibana_encryption_key"
    generate(tmp_path, [name])
    old = secret_files.read(tmp_path, name)
    new = b'the "new"-val\\ue-' * 3
    assert old is not None

    def delivered() -> object:
        derive(tmp_path, Derived(former=(KIBANA_KEYS,)))
        return yaml.safe_load((tmp_path / "secrets" / KIBANA_KEYS).read_text())

    setting = "xpack.encryptedSavedObjects.keyRotation.decryptionOnlyKeys"
    assert delivered() == {setting: []}
    secret_files.stage(tmp_path, name, new)
    # Cut off between the two steps of a promotion: Kibana refuses the key in force among them.
    os.link(tmp_path / "secrets" / name, tmp_path / "secrets" / f".{name}.previous")
    assert delivered() == {setting: []}
    secret_files.promote(tmp_path, name, keep=True)
    assert delivered() == {setting: [old.decode()]}
    secret_files.drop(tmp_path, name)
    secret_files.stage(tmp_path, name, old)
    secret_files.promote(tmp_path, name, keep=True)
    assert delivered() == {setting: [new.decode()]}
    secret_files.retire(tmp_path, name)
    assert delivered() == {setting: []}


def test_problems_stand_where_the_project_file_names_the_secret(tmp_path: Path) -> None:
    document = parse_document(PROJECT, tmp_path / "obsctl.yaml")
    found = bring_in(tmp_path, {"hook": Source("env", ("OBSCTL_TEST_ABSENT",))})
    (problem,) = placed(found.problems, document)
    assert problem.location is not None
    assert PROJECT.splitlines()[problem.location.line - 1].startswith("  hook:")


def test_a_link_in_place_of_a_secret_is_refused(tmp_path: Path) -> None:
    generate(tmp_path, ["one"])
    (tmp_path / "secrets" / "two").symlink_to("one")
    with pytest.raises(Exception, match="no symbolic link"):
        secret_files.read(tmp_path, "two")


def test_a_rotation_can_be_told_from_its_files_at_every_step(tmp_path: Path) -> None:
    generate(tmp_path, ["one"])
    old = secret_files.read(tmp_path, "one")
    secret_files.stage(tmp_path, "one", b"the-new-value")
    assert (secret_files.pending(tmp_path), secret_files.unproven(tmp_path)) == (("one",), ())
    # Cut off between the two steps of a promotion.
    os.link(tmp_path / "secrets" / "one", tmp_path / "secrets" / ".one.previous")
    assert (secret_files.pending(tmp_path), secret_files.unproven(tmp_path)) == (("one",), ())
    secret_files.promote(tmp_path, "one", keep=True)
    assert (secret_files.pending(tmp_path), secret_files.unproven(tmp_path)) == ((), ("one",))
    assert secret_files.previous(tmp_path, "one") == old
    secret_files.restore(tmp_path, "one")
    assert secret_files.read(tmp_path, "one") == old
    secret_files.stage(tmp_path, "one", b"the-new-value")
    secret_files.promote(tmp_path, "one", keep=True)
    secret_files.retire(tmp_path, "one")
    assert (secret_files.unproven(tmp_path), secret_files.retired(tmp_path)) == ((), ("one",))
    assert secret_files.unfinished(tmp_path)
    secret_files.drop_retired(tmp_path, "one")
    assert not secret_files.unfinished(tmp_path)
    secret_files.stage(tmp_path, "one", b"the-new-value")
    secret_files.promote(tmp_path, "one", keep=True)
    secret_files.drop(tmp_path, "one")
    names = {path.name for path in (tmp_path / "secrets").iterdir()}
    assert names == {".gitignore", "one"}
    assert secret_files.read(tmp_path, "one") == b"the-new-value"


def test_a_value_that_is_typed_is_not_seen() -> None:
    code = "from obsctl.cli.rotating import given; print('got', len(given('one')))"
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-c", code])  # noqa: S606 - it is this one
    shown = b""
    while b"new value of one: " not in shown:
        shown += os.read(terminal, 1000)
    os.write(terminal, b"canary-91-typed\n")
    while b"got 15" not in shown:
        shown += os.read(terminal, 1000)
    assert os.waitpid(pid, 0)[1] == 0
    os.close(terminal)
    assert b"canary" not in shown
