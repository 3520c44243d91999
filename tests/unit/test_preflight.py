"""The parts of pre-flight that only judge: platforms, emulators, kernel settings."""

from pathlib import Path

import pytest

from obsctl.engine.connection.host import emulated
from obsctl.engine.preflight.images import fits
from obsctl.engine.preflight.problems import map_count_warning


@pytest.mark.parametrize(
    ("made_for", "machine", "expected"),
    [
        (("linux", "amd64"), ("linux", "amd64"), True),
        (("linux", "arm64"), ("linux", "amd64"), False),
        (("linux", "386"), ("linux", "amd64"), True),
        (("linux", "arm"), ("linux", "arm64"), True),
        (("linux", "arm64"), ("linux", "arm"), False),
        (("windows", "amd64"), ("linux", "amd64"), False),
        (("", ""), ("linux", "amd64"), True),
        (("linux", "arm64"), ("linux", ""), True),
    ],
)
def test_fits(made_for: tuple[str, str], machine: tuple[str, str], *, expected: bool) -> None:
    assert fits(made_for, machine) is expected


def test_emulated(tmp_path: Path) -> None:
    assert not emulated("arm64", tmp_path)
    (tmp_path / "qemu-aarch64").write_text("enabled\ninterpreter /usr/bin/qemu-aarch64\n")
    (tmp_path / "qemu-s390x").write_text("disabled\n")
    assert emulated("arm64", tmp_path)
    assert not emulated("s390x", tmp_path)


def test_max_map_count() -> None:
    assert map_count_warning(262144) is None
    assert "vm.max_map_count is 65530, Elasticsearch wants 262144" in str(map_count_warning(65530))
    assert "cannot be read from here" in str(map_count_warning(None))
