"""`make demo`: from nothing to a green check table, with the whole story of an app in between.

A small Express shop is watched, built from the generated code with packages from npm; so are
Redis and this host. Where there is no Node, the app is a small Python one and the story is left
out. Images that cannot be pulled come from the kit: those of Grafana, Elasticsearch, Logstash and
Kibana are stand-ins there, and so are MongoDB and its exporter, which no package provides.
"""

import fcntl
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console

from obsctl.cli.pipeline import build
from obsctl.stack.links import Links, service_uid
from tests.demo.background import Background
from tests.demo.neighbours import Places, command
from tests.demo.project import (
    APP_PORT,
    FILE,
    FOLDER,
    MONGODB_PORT,
    REDIS_PORT,
    WEBHOOK_PORT,
    obsctl,
    tells_a_story,
    write_project,
)
from tests.demo.story import Story, StoryStopped
from tests.kit.apps import node_modules
from tests.kit.cache import cache_root
from tests.kit.engine import ensure_engine, running_engine
from tests.kit.host import KitUnavailable
from tests.kit.images import ensure_images, stack_images
from tests.kit.shop import AppFailed, Outside, listens, start_shop
from tests.kit.tools import ensure_tools, tool_environment
from tests.kit.watched import (
    address_for_containers,
    remove_watched,
    start_redis,
    start_watched,
)

_PREFIX = "obsctl-demo"
_TOLD = FOLDER / "notifications.jsonl"
# Not in the folder: whoever removes it leaves the processes, and there is one demo on a machine.
_RUNNING = Background(cache_root() / "demo-running.json")
_LOCK = cache_root() / "locks" / "demo.lock"
_START_S = 10.0
_CHECKOUT = FOLDER.parent
_SECRETS = f"{FOLDER.name}/secrets"


def say(text: str) -> None:
    print(f"\n── {text}", file=sys.stderr, flush=True)


@contextmanager
def alone() -> Iterator[None]:
    """Two demos would pull the ground from under each other."""
    FOLDER.mkdir(exist_ok=True)
    _LOCK.parent.mkdir(exist_ok=True)
    with _LOCK.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            sys.exit(f"another `make demo` is at work (process {lock.read().strip()})")
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def main() -> None:
    try:
        with alone():
            take_down() if sys.argv[1:] == ["down"] else bring_up()
    except (KitUnavailable, AppFailed) as reason:
        sys.exit(f"the demo cannot run here: {reason}")
    except KeyboardInterrupt:
        print("\ninterrupted; `make demo` goes on from here", file=sys.stderr)
        sys.exit(130)


def bring_up() -> None:
    say("Docker Engine, images and tools")
    engine = ensure_engine()
    ensure_images()
    ensure_tools()
    without = why_no_story()
    images = stack_images() if without else stack_images("bugsink")
    environment = {**os.environ, **tool_environment()}
    say("obsctl")
    if kept := write_project(images, environment, story=not without):
        print(kept, file=sys.stderr)
        without = without or ("" if tells_a_story() else "that file is of a demo without one")
    gateway = start_watched_things(engine.docker_host, without)
    done("up", environment=environment)
    stopped = "" if without else tell_story(gateway)
    done("check", "--wait", "60", environment=environment)
    if not without:
        note = "NewErrorType and ErrorBurst look back: they end within a quarter of an hour"
        print(note, file=sys.stderr)
    show_places(story=not without)
    if stopped:
        sys.exit(f"the story stopped: {stopped}")


def done(*arguments: str, environment: Mapping[str, str]) -> None:
    """Run obsctl; what fails ends the demo."""
    if code := obsctl(*arguments, environment=environment):
        sys.exit(code)


def start_watched_things(docker_host: str, without: str) -> str:
    """What a user would have already, but for the shop itself, which needs its DSN first.

    Returns this machine's address for containers.
    """
    gateway = address_for_containers(docker_host)
    _RUNNING.end_all()
    remove_watched(docker_host, _PREFIX)
    if without:
        say(f"what is watched: a small app, Redis, this host. No story: {without}")
        start_watched(docker_host, _PREFIX, APP_PORT, REDIS_PORT)
        wait_for_app()
    else:
        say("what is watched: a shop on Express, MongoDB, Redis, this host")
        start_redis(docker_host, _PREFIX, REDIS_PORT)
        start_neighbours(gateway)
    return gateway


def why_no_story() -> str:
    """Why this machine cannot run the shop; empty where it can."""
    try:
        node_modules()
    except KitUnavailable as reason:
        return str(reason)
    return ""


def start_neighbours(gateway: str) -> None:
    places = Places(gateway, APP_PORT, WEBHOOK_PORT, MONGODB_PORT, _TOLD)
    for port in (WEBHOOK_PORT, MONGODB_PORT):
        if listens(port, gateway):
            msg = f"another program listens on port {port}"
            raise AppFailed(msg)
    said = FOLDER / "neighbours.txt"
    with said.open("wb") as stream:
        process = subprocess.Popen(
            command(places), cwd=_CHECKOUT, stdout=stream, stderr=stream, start_new_session=True
        )
    _RUNNING.note(process.pid)
    until = time.monotonic() + _START_S
    while not listens(WEBHOOK_PORT, gateway):
        if process.poll() is not None or time.monotonic() > until:
            last = said.read_text().strip().rpartition("\n")[2]
            msg = f"the shop's neighbours do not start: {last}"
            raise AppFailed(msg)
        time.sleep(0.05)


def tell_story(gateway: str) -> str:
    """Start the shop, with the DSN that `up` has made for it, and run the story.

    Returns why it stopped; empty where all has happened.
    """
    project = build(FILE).loaded.project
    assert project.errors
    dsn = FOLDER / "secrets" / project.errors.dsn_secret("backend")
    code = FOLDER / "stack" / "instrumentation" / "backend"
    shop = start_shop(FOLDER / "app", code, APP_PORT, Outside(gateway, dsn, REDIS_PORT))
    _RUNNING.note(shop.process.pid)
    say("the story: orders fail, people are told, it is mended; about half a minute")
    try:
        Story(project, FOLDER, _TOLD, shop, Console(stderr=True, highlight=False)).run()
    except (StoryStopped, OSError) as reason:
        return str(reason)
    return ""


def wait_for_app() -> None:
    until = time.monotonic() + _START_S
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{APP_PORT}/health", timeout=1):
                return
        except (OSError, urllib.error.URLError):
            if time.monotonic() > until:
                sys.exit(f"the demo's app did not answer on port {APP_PORT}")
            time.sleep(0.05)


def show_places(*, story: bool) -> None:
    """Where to look, and how it ends."""
    project = build(FILE).loaded.project
    links = Links(project)
    places = [
        ("dashboards", links.dashboard(service_uid("backend"))),
        ("", f"admin, password: {_SECRETS}/grafana_admin_password"),
        ("alerts", links.alertmanager),
        ("metrics", links.prometheus),
        ("logs", links.kibana),
    ]
    if story:
        places += [
            ("errors", links.issues),
            ("", f"admin@localhost, password: {_SECRETS}/bugsink_admin_password"),
            ("notifications", f"{_TOLD.relative_to(_CHECKOUT)}, what the webhook was told"),
            ("fail again", f"curl -X POST 'http://localhost:{APP_PORT}/inject?share=12'"),
        ]
    say("everything keeps running; take it down with `make demo-down`")
    for name, place in places:
        print(f"{name:15}{place}", file=sys.stderr)


def take_down() -> None:
    """End and remove all that the demo has started; the folder and its secrets stay."""
    say(f"{_RUNNING.end_all()} processes ended; now the containers of what was watched, the stack")
    engine = running_engine()
    if engine is None:
        sys.exit("no Docker Engine answers: there are no containers to remove")
    environment = {**os.environ, **tool_environment()}
    remove_watched(engine.docker_host, _PREFIX)
    if not FILE.exists():
        hint = "docker compose -p demo down --volumes"
        sys.exit(f"{FOLDER.name}/obsctl.yaml is gone; what may still run of its stack: {hint}")
    done("down", "--volumes", environment=environment)


if __name__ == "__main__":
    main()
