"""What reaches the terminal: problems with carets, escaped input, colour only where wanted."""

import errno
import io
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from obsctl import console
from obsctl.console import Outcome
from obsctl.errors import Location, OutputClosed, Problem, RenderError, UsageError

FILE = Path("obsctl.yaml")
UNKNOWN = Problem(
    "unknown setting `retnetion` in `prometheus`",
    Location(FILE, 4, 3, 9),
    "did you mean `retention`?",
    "  retnetion: 1d",
)


@dataclass(frozen=True)
class Event:
    subject: str
    state: str
    outcome: Outcome = "running"
    details: tuple[str, ...] = ()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def told(problem: Problem, capsys: pytest.CaptureFixture[str]) -> str:
    console.print_problems([problem])
    shown = capsys.readouterr()
    assert shown.out == ""
    return shown.err


def test_a_problem_is_shown_as_designed(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(UNKNOWN, capsys) == (
        "obsctl.yaml:4:3: error: unknown setting `retnetion` in `prometheus`\n"
        "    4 |   retnetion: 1d\n"
        "      |   ^^^^^^^^^\n"
        "hint: did you mean `retention`?\n"
    )


def test_a_problem_without_a_place_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(Problem("no way"), capsys) == "error: no way\n"
    assert told(Problem("no way", Location(FILE, 1, 1)), capsys) == (
        "obsctl.yaml:1:1: error: no way\n"
    )


@pytest.mark.parametrize(
    ("place", "excerpt"),
    [
        (("\tkey: 1", 2, 3), (" key: 1", " ^^^")),
        (("两周: 周", 5, 1), ("两周: 周", "      ^^")),
        (("e\u0301: x", 5, 1), ("e\u0301: x", "   ^")),
        (("a\x1b[2Jb", 6, 1), ("a\\x1b[2Jb", "        ^")),
        (("password: ********", 40, 5), ("password: ********", None)),
        (("end", 4, 1), ("end", "   ^")),
        (("x" * 300, 200, 3), ("..." + "x" * 117 + "...", " " * 83 + "^^^")),
        (("x" * 300, 10, 280), ("x" * 120 + "...", " " * 9 + "^" * 111)),
    ],
)
def test_the_caret_stands_under_its_place(
    place: tuple[str, int, int], excerpt: tuple[str, str | None], capsys: pytest.CaptureFixture[str]
) -> None:
    source, column, width = place
    shown = told(Problem("x", Location(FILE, 12, column, width), None, source), capsys)
    line, carets = excerpt
    expected = [f"obsctl.yaml:12:{column}: error: x", f"   12 | {line}"]
    expected += [] if carets is None else [f"      | {carets}"]
    assert shown.splitlines() == expected


def test_text_from_input_cannot_act_on_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    odd = "a\x1b[31m\x07\r\x9b\u202e\u200b\u2028\ud800b"
    problem = Problem(odd, Location(Path("\x1b.yaml"), 1, 1, 1), odd, odd)
    console.print_problems([problem])
    console.print_note(odd)
    console.print_data(odd)
    console.print_table(odd, [odd], [[odd]])
    console.print_diff(f"+{odd}")
    shown = "".join(capsys.readouterr())
    assert "a\\x1b[31m\\x07\\r\\x9b\\u202e\\u200b\\u2028\\ud800b" in shown
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u2028\u202e\ud800]", shown)


def test_a_line_break_in_a_message_forges_no_message(capsys: pytest.CaptureFixture[str]) -> None:
    shown = told(Problem("bad `a\nerror: forged`", hint="one\ntwo"), capsys)
    assert shown == "error: bad `a\n  error: forged`\nhint: one\n  two\n"


def test_very_many_problems_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    console.print_problems([Problem(f"no {number}") for number in range(150)])
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 101
    assert lines[-1] == "... and 50 more"


def test_problems_as_json_name_their_places() -> None:
    read = json.loads(console.problems_as_json([UNKNOWN, Problem("x")]))
    assert read[0] == {
        "message": UNKNOWN.message, "path": "obsctl.yaml", "line": 4, "column": 3,
        "hint": UNKNOWN.hint,
    }  # fmt: skip
    assert read[1]["path"] is None
    assert json.loads(console.problems_as_json([])) == []


def test_a_table_is_aligned_by_what_is_seen(capsys: pytest.CaptureFixture[str]) -> None:
    console.print_table("services", ["name", "state"], [["两周", "up"], ["a", "down"]])
    assert capsys.readouterr().out == "services\nname  state\n两周  up\na     down\n"
    console.print_table("", ["name"], [])
    assert capsys.readouterr().out == "name\n"


def test_a_row_that_is_too_wide_for_the_terminal_goes_on_below(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "20")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    console.print_table("", ["name", "at", ""], [["one", "here", "a long note"], ["b", "c", "d"]])
    assert terminal.getvalue() == "name  at\none   here\n      a long note\nb     c     d\n"


def test_data_goes_to_stdout_and_notes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    console.print_data("one\n\ttwo\n")
    console.print_note("three")
    console.print_diff("--- a\n+++ b\n@@ -1 +1 @@\n-x\n+y\n")
    shown = capsys.readouterr()
    assert shown.out == "one\n\ttwo\n--- a\n+++ b\n@@ -1 +1 @@\n-x\n+y\n"
    assert shown.err == "three\n"


@pytest.mark.parametrize(
    ("environment", "is_coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_colour_is_for_terminals_that_want_it(
    environment: dict[str, str], *, is_coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(sys, "stdout", terminal)
    console.print_problems([UNKNOWN])
    console.print_diff("+x\n")
    console.print_table("t", ["a"], [["b"]])
    assert ("\x1b[" in terminal.getvalue()) is is_coloured
    plain = re.sub("\x1b\\[[0-9]+m", "", terminal.getvalue())
    assert plain.startswith("obsctl.yaml:4:3: error: unknown")


def test_an_ascii_stream_gets_what_it_can_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    console.print_data("é 两")
    assert raw.getvalue() == b"\\xe9 \\u4e24\n"


def test_plain_progress_is_a_line_per_new_state(capsys: pytest.CaptureFixture[str]) -> None:
    with console.steps() as report:
        for state in ("pulling 1.5 MB of 9 MB", "pulling 2 MB of 9 MB", "starting", "starting"):
            report(Event("grafana", state))
        report(Event("prometheus", "starting"))
        report(Event("grafana", "healthy\x1b[2J", "done"))
    assert capsys.readouterr().err.splitlines() == [
        "grafana: pulling 1.5 MB of 9 MB",
        "grafana: starting",
        "prometheus: starting",
        "grafana: healthy\\x1b[2J",
    ]


def on_a_terminal(program: str, answers: str = "") -> str:
    """What a program shows on a real pseudo-terminal."""
    parent, child = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=child, stdout=child, stderr=child, env=environment
    ) as process:
        os.close(child)
        if answers:
            os.write(parent, answers.encode())
        shown = b""
        while True:
            try:
                part = os.read(parent, 65536)
            except OSError:  # Linux's end of a terminal
                break
            if not part:
                break
            shown += part
    os.close(parent)
    assert process.returncode == 0, shown
    return shown.decode()


def test_live_progress_draws_a_row_per_service() -> None:
    shown = on_a_terminal(
        "from obsctl.console import steps, print_note\n"
        "from types import SimpleNamespace as Event\n"
        "with steps() as report:\n"
        "    report(Event(subject='grafana', state='starting', outcome='running', details=()))\n"
        "    report(Event(subject='a:1', state='pulling', outcome='running',\n"
        "                 details=('4f5e downloading 1 MiB of 2 MiB',)))\n"
        "    print_note('a note between')\n"
        "    report(Event(subject='grafana', state='[bold]healthy', outcome='done', details=()))\n"
        "    report(Event(subject='kibana', state='exited \\x1b[2J', outcome='failed',\n"
        "                 details=()))\n"
    )
    lines = re.sub("\x1b\\[[0-9;?]*[a-zA-Z]", "", shown).replace("\r", "\n").splitlines()
    assert "a note between" in shown
    assert any(re.search(r"^ +4f5e downloading 1 MiB of 2 MiB", line) for line in lines)
    assert any(re.search(r"✓ +grafana +\[bold\]healthy +[0-9.]+s", line) for line in lines)
    assert any(re.search(r"✗ +kibana +exited \\x1b\[2J", line) for line in lines)


def test_answers_come_from_the_terminal() -> None:
    shown = on_a_terminal(
        "from obsctl.console import ask, can_ask\n"
        "assert can_ask()\n"
        "print(repr(ask('Name', 'demo')), repr(ask('Stage', 'prod')))\n",
        answers="shop\n\n",
    )
    assert "'shop' 'prod'" in shown
    assert "Name [demo]: " in shown


def test_no_answer_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert not console.can_ask()
    with pytest.raises(UsageError, match="nothing was written"):
        console.ask("Name", "demo")


def test_printing_imports_nothing_heavy() -> None:
    program = (
        "import sys; from obsctl import console; from obsctl.errors import Problem;"
        "console.print_problems([Problem('x')]); console.print_table('', ['a'], [['b']]);"
        "heavy = {'rich', 'pydantic', 'docker', 'jinja2', 'typer'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)


class Closed(io.StringIO):
    """A stream whose writes fail with an errno, as a pipe's or a full disk's do."""

    def __init__(self, number: int, descriptor: int) -> None:
        super().__init__()
        self.number, self.descriptor = number, descriptor

    def flush(self) -> None:
        raise OSError(self.number, os.strerror(self.number))

    def fileno(self) -> int:
        return self.descriptor


@pytest.fixture
def spare_descriptor(tmp_path: Path) -> Iterator[int]:
    with (tmp_path / "spare").open("w") as stream:
        yield stream.fileno()


def test_a_reader_of_stdout_that_went_away_ends_the_command(
    monkeypatch: pytest.MonkeyPatch, spare_descriptor: int
) -> None:
    monkeypatch.setattr(sys, "stdout", Closed(errno.EPIPE, spare_descriptor))
    with pytest.raises(OutputClosed):
        console.print_data("line")


def test_a_full_disk_is_no_bug(monkeypatch: pytest.MonkeyPatch, spare_descriptor: int) -> None:
    monkeypatch.setattr(sys, "stdout", Closed(errno.ENOSPC, spare_descriptor))
    with pytest.raises(RenderError, match="cannot be written: no space left"):
        console.print_data("line")


def test_nobody_reading_notes_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, spare_descriptor: int
) -> None:
    """`obsctl up 2>&1 | head -1` still brings the stack up."""
    monkeypatch.setattr(sys, "stderr", Closed(errno.EPIPE, spare_descriptor))
    console.print_note("prometheus: ready")
