"""Journal, state and lock: what is on disk between two runs."""

import json
import os
from pathlib import Path

import pytest

from obsctl.engine.run.journal import Journal, interrupted_steps
from obsctl.engine.run.lock import Waiting, project_lock
from obsctl.engine.run.state import Loaded, State, read_state, write_state
from obsctl.errors import EngineError


def test_journal_tells_what_was_under_way(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.step("replace a", "stop erp-a-1")
    journal.step("create b", "create b")
    journal.end("create b")
    assert interrupted_steps(tmp_path) == {"replace a": "stop erp-a-1"}
    journal.close()
    assert interrupted_steps(tmp_path) == {}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"steps": 1}', "\0"])
def test_a_spoilt_journal_is_as_good_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "journal.json").write_text(text)
    assert interrupted_steps(tmp_path) == {}


def test_state_comes_back_and_is_not_rewritten(tmp_path: Path) -> None:
    state = State({"a": Loaded("id", {"x.yml": "1"})})
    write_state(tmp_path, state)
    assert read_state(tmp_path) == state
    before = (tmp_path / "state.json").stat().st_ino
    write_state(tmp_path, state)
    assert (tmp_path / "state.json").stat().st_ino == before


@pytest.mark.parametrize("text", ["", "[]", '{"loaded": 1}', '{"loaded": {"a": {"z": 1}}}'])
def test_a_spoilt_state_is_as_good_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "state.json").write_text(text)
    assert read_state(tmp_path) == State()


def waiting(told: list[str]) -> Waiting:
    return Waiting(0.15, told.append, lambda: None)


def test_lock_names_its_holder_and_gives_up(tmp_path: Path) -> None:
    told: list[str] = []
    with project_lock(tmp_path, waiting(told)):
        assert json.loads((tmp_path / "lock").read_text())["pid"] == os.getpid()
        assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o600
        refused = pytest.raises(EngineError, match=f"process {os.getpid()} on ")
        with refused, project_lock(tmp_path, waiting(told)):
            pytest.fail("two hold the lock")
    assert len(told) == 1
    with project_lock(tmp_path, waiting(told)):
        pass


def test_a_directory_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused = pytest.raises(EngineError, match="cannot be written")
    with refused, project_lock(tmp_path / "file" / "below", waiting([])):
        pytest.fail("no lock is possible here")
