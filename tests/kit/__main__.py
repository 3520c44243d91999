"""`python -m tests.kit`: bring the kit up, look at it, take it down."""

import argparse
import shlex
import sys
from collections.abc import Callable

from tests.kit.cache import cache_root, say, timed
from tests.kit.engine import ensure_engine, running_engine, stop_engine
from tests.kit.host import KitUnavailable
from tests.kit.images import ensure_images
from tests.kit.tools import ensure_tools, tool_environment


def up() -> None:
    """engine, images and tools"""
    with timed("everything"):
        engine()
        tools()
        images()


def engine() -> None:
    """the Engine that answers, or a new one"""
    found = ensure_engine()
    whose = "started by the kit" if found.started_by_kit else "not the kit's"
    say(f"Engine {found.version} at {found.docker_host} ({whose})")


def images() -> None:
    """container images, built from Debian packages"""
    for reference in ensure_images().values():
        say(f"image {reference}")


def tools() -> None:
    """promtool, amtool, docker and docker compose"""
    say(f"tools in {ensure_tools()}")


def env() -> None:
    """shell exports for the tools, on stdout"""
    for name, value in tool_environment().items():
        print(f"export {name}={shlex.quote(value)}")


def status() -> None:
    """what runs and where the cache is; changes nothing"""
    say(f"cache {cache_root()}")
    if running_engine() is None:
        say("no Engine answers")
        sys.exit(1)
    engine()


def down() -> None:
    """stop the Engine that the kit started"""
    if not stop_engine():
        say("no Engine of the kit's runs here")


COMMANDS: dict[str, Callable[[], None]] = {
    command.__name__: command for command in (up, engine, images, tools, env, status, down)
}


def main() -> int:
    """Run one command; 0, or 1 with the reason why the kit cannot work here."""
    parser = argparse.ArgumentParser(prog="python -m tests.kit", description=__doc__)
    parser.add_argument(
        "command",
        choices=COMMANDS,
        metavar="COMMAND",
        help="; ".join(f"{name}: {command.__doc__}" for name, command in COMMANDS.items()),
    )
    try:
        COMMANDS[parser.parse_args().command]()
    except KitUnavailable as reason:
        say(str(reason))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
