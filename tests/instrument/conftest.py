"""The generated code of an Express and a FastAPI app, and ways to start apps with it."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from obsctl.cli.pipeline import build
from tests.instrument.receivers import Envelopes, LineReceiver
from tests.instrument.running import RunningApp, start
from tests.kit.apps import app_directory, node_program, python_program
from tests.kit.host import KitUnavailable
from tests.kit.ports import free_ports
from tests.tiers import unavailable

OWN = Path(__file__).parent
PROJECT = """\
version: 1
project: shop
environment: trial
services:
  web:
    kind: express
    targets: ["localhost:3000"]
    settings:
      transactions_metric: app_transactions_total
      active_users_metric: app_active_users
      revenue_metric: app_revenue_total
      cache_requests_metric: app_cache_requests_total
  api:
    kind: fastapi
    targets: ["localhost:8000"]
    settings:
      transactions_metric: app_transactions_total
      active_users_metric: app_active_users
      revenue_metric: app_revenue_total
"""
StartApp = Callable[..., RunningApp]


@pytest.fixture(scope="session")
def code(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """Service -> file -> text, as `obsctl render` writes them."""
    file = tmp_path_factory.mktemp("project") / "obsctl.yaml"
    file.write_text(PROJECT)
    found: dict[str, dict[str, str]] = {"web": {}, "api": {}}
    for each in build(file).files:
        if each.path.parts[0] == "instrumentation":
            found[each.path.parts[1]][each.path.name] = each.text
    return found


@pytest.fixture(scope="session")
def node() -> str:
    try:
        return node_program()
    except KitUnavailable as reason:
        unavailable("instrument", str(reason))


@pytest.fixture(scope="session")
def express_directory(
    node: str,  # noqa: ARG001 - without it there is nothing to run
    code: Mapping[str, Mapping[str, str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    files = dict(code["web"])
    for path in (*OWN.glob("*.cjs"), *OWN.glob("*.mjs")):
        files[path.name] = path.read_text()
    try:
        return app_directory(tmp_path_factory.mktemp("apps") / "express", files)
    except KitUnavailable as reason:
        unavailable("instrument", str(reason))


@pytest.fixture(scope="session")
def interpreter() -> Path:
    try:
        return python_program()
    except KitUnavailable as reason:
        unavailable("instrument", str(reason))


@pytest.fixture(scope="session")
def fastapi_directory(
    code: Mapping[str, Mapping[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    directory = tmp_path_factory.mktemp("fastapi")
    for name, text in code["api"].items():
        (directory / name).write_text(text)
    return directory


@pytest.fixture(scope="module")
def start_app(node: str, express_directory: Path) -> Iterator[StartApp]:
    """Starts `node FILE` with more of an environment; stops what still runs."""
    with contextlib.ExitStack() as stack:

        def begin(*arguments: str, **environment: str) -> RunningApp:
            (port,) = free_ports(1)
            quiet = {"LOG_ADDRESS": "none"}
            app = start([node, *arguments], express_directory, port, quiet | environment)
            stack.callback(end, app)
            return app

        yield begin


def end(app: RunningApp) -> None:
    if app.process.poll() is None:
        app.process.kill()
        app.process.wait()


@pytest.fixture
def lines() -> Iterator[LineReceiver]:
    receiver = LineReceiver()
    yield receiver
    receiver.stop()


@pytest.fixture
def envelopes() -> Iterator[Envelopes]:
    server = Envelopes()
    yield server
    server.stop()
