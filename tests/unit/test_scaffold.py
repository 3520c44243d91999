"""`obsctl init`: a file that validates, nothing overwritten, nothing half done."""

import io
import json
import os
import re
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import yaml

from obsctl.__main__ import main
from obsctl.cli.pipeline import resolve_project
from obsctl.project import secrets
from obsctl.project.choices import name_for, name_from, parse_service
from obsctl.project.derived import is_derived
from obsctl.project.json_schema import json_schema
from obsctl.project.load import load_project
from obsctl.project.scaffold import ignore_text, login_command

SEED = ("backend", "mongodb", "redis", "host")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "Alawael ERP"
    place.mkdir()
    monkeypatch.chdir(place)
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    return place


def test_the_default_is_the_seeds_system_and_validates(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init"]) == 0
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "clusterMonitor" in shown.err
    assert "secrets/mongodb_password" in shown.err
    loaded, stack = resolve_project(Path("obsctl.yaml"))
    assert loaded.project.project == "alawael-erp"
    assert tuple(loaded.project.services) == SEED
    assert secrets.missing(root, stack.secrets) == ()
    own = [one for one in stack.secrets if not is_derived(one)]
    assert secrets.check(root, own) == ()
    assert set(secrets.generated_names(loaded.project)) == set(own)
    assert main(["validate"]) == 0
    assert capsys.readouterr().err.startswith("obsctl.yaml is valid: 4 services, ")


def test_no_generated_value_is_shown(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init"]) == 0
    shown = "".join(capsys.readouterr()) + Path("obsctl.yaml").read_text()
    for file in (root / "secrets").iterdir():
        if file.name != ".gitignore":
            assert file.read_text() not in shown


def test_every_example_in_a_comment_is_valid_too(root: Path) -> None:
    assert main(["init"]) == 0
    file = root / "obsctl.yaml"
    examples = re.compile(r"^# ((?: *[A-Za-z]+:(?: .*)?$|  ))", re.MULTILINE)
    text = file.read_text()
    head, rest = text.split("\nversion: 1", 1)
    uncommented = examples.sub(r"\1", rest)
    for section in ("slo:", "alerts:", "notifications:", "errors:"):
        assert f"\n{section}" in uncommented
    file.write_text(f"{head}\nversion: 1{uncommented}")
    resolve_project(file)


def test_flags_choose_everything(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "init", "--project", "shop", "--environment", "staging",
        "--service", "web=express@web.example.com:8080", "--service", "cache=redis@[::1]:6379",
        "--service", "db=mongodb@reader@10.0.0.5:27017",
        "--probe", "https://shop.example.com/", "--probe", "https://shop.example.com/api?x=1#y",
        "--slack-secret", "slack_url", "--slack-channel", '#shop: "ops"',
        "--email", "ops@example.com", "--smarthost", "smtp.example.com:587", "--smtp-user", "me",
        "--webhook", "http://localhost:9999/hook", "--without", "kibana",
    ]  # fmt: skip
    assert main(arguments) == 0
    project = load_project(Path("obsctl.yaml")).project
    assert (project.project, project.environment) == ("shop", "staging")
    assert project.services["cache"].address == "[::1]:6379"
    credentials = project.services["db"].credentials
    assert credentials is not None
    assert (credentials.user, credentials.password.secret) == ("reader", "db_password")
    assert project.probes == ("https://shop.example.com/", "https://shop.example.com/api?x=1#y")
    ops = project.notifications.receivers["ops"]
    assert ops.slack is not None
    assert ops.slack.channel == '#shop: "ops"'
    assert ops.email is not None
    assert ops.email.from_ == "obsctl@example.com"
    assert ops.webhook is not None
    assert project.stack.without == ("kibana",)
    shown = capsys.readouterr().err
    assert "install -m 444 /dev/stdin secrets/slack_url" in shown
    assert "secrets/smtp_password" in shown
    assert not (root / "secrets" / "slack_url").exists()
    assert (root / "secrets" / "db_password").exists()
    assert not (root / "secrets" / "kibana_encryption_key").exists()
    resolve_project(Path("obsctl.yaml"))


def test_without_elk_there_are_no_logs(root: Path) -> None:
    assert main(["init", "--yes", "--without", "elk"]) == 0
    loaded, stack = resolve_project(Path("obsctl.yaml"))
    assert stack.logging is None
    assert not (root / "secrets" / "elastic_password").exists()
    assert set(secrets.generated_names(loaded.project)) == set(stack.secrets)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--project", "My Shop"], "`My Shop` is no name for a project"),
        (["--service", "web"], "`web` is no service"),
        (["--service", "web=express"], "`web` needs an address"),
        (["--service", "web=expres@a:1"], "did you mean `express`?"),
        (
            ["--service", "web=oracle@a:1"],
            "nginx, node, postgres, prometheus, rabbitmq, redis, spring",
        ),
        (["--service", "web=probe@a:1"], "write its URL under `probes`"),
        (["--service", "web=express@http://a"], "without a scheme"),
        (["--service", "Web=express@a:1"], "`Web` is no name for a service"),
        (["--service", "web=express@me@a:1"], "takes no user name"),
        (["--service", "db=mongodb@a b@a:1"], "`a b` is no user name"),
        (["--service", "host=node@a:1"], "takes no address"),
        (["--service", "a=node", "--service", "a=node"], "two services are called `a`"),
        (["--service", "grafana=express@a:1"], "part of the stack itself"),
        (["--service", "web=express@localhost:9090"], "is taken by"),
        (["--probe", "example.com"], "begins with `http://`"),
        (["--without", "logs"], "`logs` cannot be left out"),
        (["--email", "ops@example.com"], "needs an SMTP server"),
        (["--email", "ops", "--smarthost", "a:25"], "`ops` is no e-mail address"),
        (["--smarthost", "a:25"], "need `--email`"),
        (["--slack-secret", "https://hooks.slack.com/x"], "is no name for a secret"),
        (["--slack-channel", "#ops"], "needs `--slack-secret`"),
        (["--secrets-only", "--project", "x"], "takes no other option"),
        (["--file", "nowhere/obsctl.yaml"], "`nowhere` does not exist"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_option_writes_nothing(
    root: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", *arguments]) == 2
    assert words in capsys.readouterr().err
    assert list(root.iterdir()) == []


def test_nothing_is_ever_overwritten(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "obsctl.yaml").write_text("mine\n")
    assert main(["init", "--yes"]) == 2
    assert "exists already and was left as it is" in capsys.readouterr().err
    assert [path.name for path in root.iterdir()] == ["obsctl.yaml"]
    assert (root / "obsctl.yaml").read_text() == "mine\n"
    (root / "obsctl.yaml").unlink()
    (root / "obsctl.yaml").symlink_to("dangling")
    assert main(["init", "--yes"]) == 2
    assert not (root / "dangling").exists()


def test_an_interrupted_init_can_be_run_again(root: Path) -> None:
    assert main(["init", "--yes"]) == 0
    kept = (root / "secrets" / "elastic_password").read_text()
    (root / "obsctl.yaml").unlink()
    (root / "secrets" / "mongodb_password").unlink()
    assert main(["init", "--yes"]) == 0
    assert (root / "secrets" / "elastic_password").read_text() == kept
    assert (root / "secrets" / "mongodb_password").exists()
    assert (root / ".gitignore").read_text() == "secrets/\n.obsctl/\n"


def test_secrets_only_completes_a_clone(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--yes", "--slack-secret", "hook"]) == 0
    text = (root / "obsctl.yaml").read_text()
    for file in (root / "secrets").iterdir():
        file.unlink()
    (root / "secrets").rmdir()
    capsys.readouterr()
    assert main(["init", "--secrets-only"]) == 0
    assert "store the secret `hook`" in capsys.readouterr().err
    assert (root / "secrets" / "elastic_password").exists()
    assert (root / "obsctl.yaml").read_text() == text


def test_secrets_only_needs_a_valid_file(root: Path) -> None:
    assert main(["init", "--secrets-only"]) == 3
    assert list(root.iterdir()) == []


@pytest.mark.parametrize(
    ("mode", "words"),
    [(0o555, "cannot be written: permission denied"), (0o600, "no permission to enter")],
)
def test_a_closed_directory_is_told(
    root: Path, mode: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", "--yes"]) == 0  # imports what the next one needs
    capsys.readouterr()
    # A directory of its own: pytest's are closed to the other user, and stay so.
    with tempfile.TemporaryDirectory() as name:
        closed = Path(name)
        file = closed / "obsctl.yaml" if mode == 0o555 else closed / "below" / "obsctl.yaml"
        closed.chmod(mode)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)  # root writes everywhere
        try:
            code = main(["init", "--yes", "--file", str(file)])
        finally:
            os.seteuid(user)
            closed.chmod(0o700)
        assert list(closed.iterdir()) == []
    assert code == (4 if mode == 0o555 else 2)
    assert words in capsys.readouterr().err
    assert root.is_dir()


@pytest.mark.parametrize(
    ("existing", "added"),
    [
        ("", "secrets/\n.obsctl/\n"),
        ("node_modules", "\nsecrets/\n.obsctl/\n"),
        ("secrets/\n", ".obsctl/\n"),
        ("/secrets\n.obsctl\n", ""),
        ("# secrets/\n", "secrets/\n.obsctl/\n"),
    ],
)
def test_gitignore_gets_what_is_not_there(existing: str, added: str) -> None:
    assert ignore_text(existing) == added


def test_the_project_file_is_readable_and_the_own_entries_stay(root: Path) -> None:
    (root / ".gitignore").write_text("node_modules/\n")
    assert main(["init", "--yes"]) == 0
    assert (root / ".gitignore").read_text() == "node_modules/\nsecrets/\n.obsctl/\n"
    assert stat.S_IMODE((root / "obsctl.yaml").stat().st_mode) == 0o644


def test_names_of_directories_become_project_names() -> None:
    assert name_from("Alawael ERP") == "alawael-erp"
    assert name_from("--") == "project"
    assert name_from("x" * 80) == "x" * 63


@pytest.mark.parametrize("file", ["compose.yaml", "docker-compose.yml"])
def test_an_application_of_compose_keeps_its_name(tmp_path: Path, file: str) -> None:
    for directory, name in (("shop", "shop-monitoring"), ("x" * 70, f"{'x' * 52}-monitoring")):
        place = tmp_path / directory
        place.mkdir()
        (place / file).write_text("services: {}\n")
        assert name_for(place) == name


def test_login_commands_take_the_password_from_its_file() -> None:
    for kind in ("mongodb", "postgres", "mysql"):
        command = login_command(parse_service(f"db={kind}@watcher@db.local:1234"))
        assert command is not None
        for part in ("watcher", "db.local", "1234", "secrets/db_password"):
            assert part in command
        assert subprocess.run(["bash", "-n", "-c", command], check=False).returncode == 0
    assert login_command(parse_service("db=rabbitmq@watcher@db.local:1234")) is None
    assert login_command(parse_service("db=mongodb@db.local:1234")) is None


def test_validate_prints_problems_as_json(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "obsctl.yaml").write_text("version: 1\nproject: demo\nfoo: 1\n")
    assert main(["validate", "--json"]) == 3
    (problem,) = json.loads(capsys.readouterr().out)
    assert (problem["path"], problem["line"], problem["column"]) == ("obsctl.yaml", 3, 1)
    (root / "obsctl.yaml").write_text("version: 1\nproject: demo\n")
    assert main(["validate", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_the_json_schema_is_closed_and_described(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema == json_schema()
    assert schema["$schema"].startswith("https://json-schema.org/")
    free = {"settings", "images", "labels", "annotations", "alerts", "patches"}
    for section in (schema, *schema["$defs"].values()):
        assert section["additionalProperties"] is False
        assert section["description"]
        for name, field in section["properties"].items():
            assert field.get("description") or "$ref" in field, name
            assert (
                field.get("additionalProperties") is False
                or name in free
                or (field.get("type") != "object")
            )
    assert '"null"' not in json.dumps(schema)


def test_the_scaffold_holds_only_settings_of_the_schema(root: Path) -> None:
    assert main(["init", "--yes"]) == 0
    data = yaml.safe_load((root / "obsctl.yaml").read_text())
    assert set(data) <= set(json_schema()["properties"])


class Answers(io.StringIO):
    """A person at a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_wrong_answer_is_asked_for_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers: tuple[str, ...] = (
        "Bad Name!",
        "shop",
        "",
        "a=exprss@localhost:3000",
        "a=express@localhost:3000",
    )
    answers += ("ftp://x", "none", "elk grafna", "elk", "none", "me", "me@example.com")
    answers += ("none", "mail.example.com:587")
    said = Answers()
    monkeypatch.setattr(sys, "stdin", Answers("\n".join(answers) + "\n"))
    monkeypatch.setattr(sys, "stderr", said)
    assert main(["init"]) == 0
    for wrong in ("Bad Name!", "unknown kind `exprss`", "ftp://x", "grafna", "`me` is no e-mail"):
        assert wrong in said.getvalue()
    project = load_project(root / "obsctl.yaml").project
    assert (project.project, tuple(project.services)) == ("shop", ("a",))
    assert project.notifications.receivers


def test_an_interview_that_ends_early_writes_nothing(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Answers("shop\n"))
    monkeypatch.setattr(sys, "stderr", Answers())
    assert main(["init"]) == 2
    assert list(root.iterdir()) == []
