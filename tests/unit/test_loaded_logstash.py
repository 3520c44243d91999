"""What Logstash's own counters say of a reload that it does by itself."""

from pathlib import Path
from typing import Any

import pytest

from obsctl.engine.components.loaded import logstash
from obsctl.engine.components.loaded.component import Component, Refusal
from obsctl.engine.planning.observe import Container

LATE, EARLY = "1970-01-01T00:03:20.000Z", "1970-01-01T00:01:40.000Z"
WRITTEN_S = 150.0


class Told(Component):
    """A component whose API answers this; the rest is as it is."""

    __slots__ = ()

    answer: dict[str, Any]

    def get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        assert path == "/_node/stats/pipelines"
        return {"pipelines": {"main": type(self).answer}}


def difference(
    answer: dict[str, Any], folder: Path, *, started: float = 0, restored: bool = False
) -> str | None:
    (folder / "logstash.conf").write_text('input { stdin {\n id => "in"\n} }')
    mounts = [{"Type": "bind", "Destination": "/usr/share/logstash/pipeline", "Source": folder}]
    container = Container(
        "1", "x", "logstash", "running", started_at=started, inspected={"Mounts": mounts}
    )
    kind = type("Answering", (Told,), {"answer": answer})
    component = kind(None, container, "9600", WRITTEN_S, restored)
    return logstash.difference(component)


def reloads(**more: object) -> dict[str, Any]:
    return {"plugins": {"inputs": [{"id": "in"}]}, "reloads": more}


def test_a_success_after_the_files_were_written_is_proof(tmp_path: Path) -> None:
    told = reloads(last_success_timestamp=LATE, last_failure_timestamp=EARLY)
    assert difference(told, tmp_path) is None


@pytest.mark.parametrize("told", [{}, {"last_success_timestamp": EARLY}])
def test_files_that_it_has_not_looked_at_are_not_loaded(
    told: dict[str, Any], tmp_path: Path
) -> None:
    assert difference(reloads(**told), tmp_path) == "its pipeline `main` has not taken them yet"
    assert difference(reloads(**told), tmp_path, restored=True) is None
    assert difference(reloads(**told), tmp_path, started=WRITTEN_S + 1) is None


def test_its_own_words_tell_why_it_refused(tmp_path: Path) -> None:
    error = {"message": "Expected one of\n   [A-Za-z]"}
    told = reloads(last_success_timestamp=EARLY, last_failure_timestamp=LATE, last_error=error)
    with pytest.raises(Refusal, match=r"pipeline `main`: Expected one of \[A-Za-z\]"):
        difference(told, tmp_path)


def test_an_old_failure_is_none_of_these_files(tmp_path: Path) -> None:
    told = reloads(last_failure_timestamp=EARLY, last_error={"message": "old"})
    assert difference(told, tmp_path) == "its pipeline `main` has not taken them yet"


def test_a_pipeline_without_a_plugin_of_the_files_is_another_one(tmp_path: Path) -> None:
    told = {**reloads(last_success_timestamp=LATE), "plugins": {"inputs": [{"id": "other"}]}}
    assert difference(told, tmp_path) == "its pipeline has no plugin `in`"
