"""What all tiers share: markers by folder, and no sockets in the pure tiers."""

import signal
import socket
from pathlib import Path
from typing import NoReturn

import pytest

TESTS = Path(__file__).parent
PURE_TIERS = ("unit", "golden")
MARKED_TIERS = ("tools", "engine", "instrument", "packaging", "upstream")


def tier_of(path: Path) -> str:
    return path.relative_to(TESTS).parts[0]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if (tier := tier_of(item.path)) in MARKED_TIERS:
            item.add_marker(tier)


def pytest_configure() -> None:
    """In the background of a shell, an interrupt is ignored, by those that tests start too."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _no_sockets(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pure test that reaches out would be slow, flaky, and no longer pure."""
    if tier_of(request.path) not in PURE_TIERS:
        return

    def refuse(*_arguments: object, **_options: object) -> NoReturn:
        raise AssertionError("a test of the pure tiers opened a socket")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
