"""The project file: every bad input of bad/ has its place, its words, its hint and exit code 3."""

import random
from pathlib import Path

import pytest

from obsctl.__main__ import main
from obsctl.console import print_problems
from obsctl.errors import ObsctlError, ProjectFileError
from obsctl.project.document import parse_document
from obsctl.project.load import check_document, load_project
from obsctl.project.schema import Project

BAD = Path(__file__).parent / "bad"
BAD_FILES = sorted(BAD.glob("*.yaml"))
HEAD = "version: 1\nproject: demo\n"


def loaded(text: str) -> Project:
    return check_document(parse_document(HEAD + text, Path("obsctl.yaml"))).project


def messages(text: str) -> list[str]:
    with pytest.raises(ProjectFileError) as caught:
        loaded(text)
    return [problem.message for problem in caught.value.problems]


def test_there_are_enough_bad_inputs() -> None:
    assert len(BAD_FILES) >= 40
    assert {path.stem for path in BAD_FILES} == {path.stem for path in BAD.glob("*.txt")}


@pytest.mark.parametrize("path", BAD_FILES, ids=lambda path: path.stem)
def test_a_bad_file_is_told_at_its_place(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(BAD)
    before = sorted(BAD.iterdir())
    assert main(["validate", "--file", path.name]) == 3
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == path.with_suffix(".txt").read_text("utf-8")
    assert sorted(BAD.iterdir()) == before


@pytest.mark.parametrize("path", BAD_FILES, ids=lambda path: path.stem)
def test_problems_are_sorted_and_carets_stand_in_the_file(path: Path) -> None:
    with pytest.raises(ProjectFileError) as caught:
        load_project(path)
    places = [problem.location for problem in caught.value.problems if problem.location]
    assert places == sorted(places, key=lambda place: (place.line, place.column))
    for problem in caught.value.problems:
        assert "\n" not in problem.message
        assert not problem.message.endswith(".")
        assert (
            problem.message[0] == "`"
            or problem.message[0].islower()
            or (problem.message.startswith(("URL", "IPv6")))
        )


@pytest.mark.parametrize("path", sorted(BAD.glob("*.txt")), ids=lambda path: path.stem)
def test_no_message_tells_a_secret(path: Path) -> None:
    assert "hunter2" not in path.read_text("utf-8").lower()


def test_an_error_beside_a_literal_secret_does_not_show_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = (
        HEAD + "services:\n  db: { kind: 7, address: 'h:1',"
        " credentials: { user: 8, password: hunter2, token: hunter2, x: 1 } }\n"
    )
    with pytest.raises(ProjectFileError) as caught:
        check_document(parse_document(text, Path("obsctl.yaml")))
    print_problems(caught.value.problems)
    assert "hunter2" not in capsys.readouterr().err
    assert len(caught.value.problems) == 5


def test_words_that_other_yaml_readers_change_stay_text() -> None:
    project = loaded(
        "services:\n"
        "  api:\n"
        "    kind: http\n"
        "    settings: { a: NO, b: on, c: 22:22, d: 2024-01-01, e: yes, f: 0o17, g: 010, h: 1e3 }\n"
    )
    assert project.services["api"].settings == {
        "a": "NO", "b": "on", "c": "22:22", "d": "2024-01-01", "e": "yes",
        "f": 15, "g": 10, "h": 1000.0,
    }  # fmt: skip


def test_the_seeds_file_is_read_whole() -> None:
    project = loaded(
        "services:\n"
        "  backend: { kind: express, targets: [localhost:3000, '[::1]:3000'] }\n"
        "slo: { backend: { availability: 99.9%, latency: { under: 2s, ratio: 95% } } }\n"
        "alerts: { HighErrorRate: { warning: 5%, critical: 10%, for: 5m } }\n"
        "notifications:\n"
        "  receivers:\n"
        "    ops: { slack: { webhook_url: { secret: slack_webhook }, channel: '#ops' } }\n"
        "    mail: { email: { to: 'a@b.c, d@e.f', from: o@b.c, smarthost: 'mail:25' } }\n"
        "  routes: { critical: [ops, mail], info: [] }\n"
        "rules:\n"
        "  - { record: 'a:b', expr: up, labels: { tier: '1' } }\n"
        "patches: { prometheus/prometheus.yml: { a: null } }\n"
    )
    assert project.slo["backend"].latency is not None
    assert project.slo["backend"].latency.under.seconds == 2
    assert project.alerts["HighErrorRate"].for_ == "5m"
    assert project.notifications.receivers["mail"].email is not None
    assert project.patches == {"prometheus/prometheus.yml": {"a": None}}


def test_an_anchored_section_may_be_used_again() -> None:
    project = loaded("stack: { prometheus: &p { memory: 2GiB }, alertmanager: *p }\n")
    assert project.stack.alertmanager.memory == "2GiB"


def test_a_fault_in_an_anchored_section_is_told_where_it_stands_once() -> None:
    assert messages("stack: { prometheus: &p { memory: 2 }, alertmanager: *p }\n") == [
        "expected a size such as `2GiB` for `memory`, got `2`"
    ]


def test_all_problems_come_in_one_run() -> None:
    found = messages(
        "project: other\nservices:\n  API: { knid: x }\nstack: { bind: nowhere }\nfoo: 1\n"
    )
    assert len(found) == 5


def test_the_root_is_the_directory_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "obsctl.yaml"
    file.write_text(HEAD)
    assert load_project(file).root == tmp_path


def test_random_damage_never_escapes_as_a_traceback() -> None:
    """Bytes of good and bad files deleted, doubled and swapped: a project or a plain error."""
    chance = random.Random(20240117)  # noqa: S311 - damage, not cryptography
    sources = [path.read_bytes().decode("utf-8", "replace") for path in BAD_FILES]
    short = [source for source in sources if 40 < len(source) < 600]
    for _ in range(1500):
        text = list(chance.choice(short))
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(len(text))
            text[place : place + chance.randint(0, 3)] = chance.choice(
                ["", ":", "\n", "  ", "{", "]", "*a", "&a ", "- ", "'", '"', "%", "\t", "null", "#"]
            )
        try:
            check_document(parse_document("".join(text), Path("obsctl.yaml")))
        except ObsctlError as error:
            print_problems(error.problems)


def test_ten_thousand_targets_load(tmp_path: Path) -> None:
    """How long it takes is for `make bench` to say: a time proves nothing on a busy machine."""
    file = tmp_path / "obsctl.yaml"
    services = "".join(
        f"  s{i}:\n    kind: express\n    targets:\n"
        + "".join(f"      - host-{i}-{j}.example.com:3000\n" for j in range(10))
        for i in range(1000)
    )
    file.write_text(f"{HEAD}services:\n{services}")
    project = load_project(file).project
    assert sum(len(service.targets) for service in project.services.values()) == 10_000
