"""`make demo`: the main job on this machine, from nothing to a green check table.

Three services of a user's are started beside the stack: a small HTTP app, Redis and the host
itself. MongoDB is left out: no Debian package provides a server. Images that cannot be pulled
come from the kit; those of Grafana, Elasticsearch, Logstash and Kibana are stand-ins there.
"""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from tests.kit.engine import ensure_engine
from tests.kit.images import ensure_images, stack_images
from tests.kit.tools import ensure_tools, tool_environment
from tests.kit.watched import start_watched

FOLDER = Path(__file__).resolve().parents[1] / "demo"
OBSCTL = str(Path(sys.executable).with_name("obsctl"))
# Ports of their own, so that the demo disturbs no Redis or app of the machine's.
APP_PORT = 18080
REDIS_PORT = 16379


def say(text: str) -> None:
    print(f"\n── {text}", file=sys.stderr, flush=True)


def obsctl(*arguments: str, environment: dict[str, str]) -> None:
    print(f"$ obsctl {' '.join(arguments)}", file=sys.stderr, flush=True)
    done = subprocess.run([OBSCTL, *arguments], cwd=FOLDER, env=environment, check=False)
    if done.returncode != 0:
        sys.exit(done.returncode)


def wait_for_app(deadline_s: float = 10) -> None:
    until = time.monotonic() + deadline_s
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{APP_PORT}/health", timeout=1):
                return
        except (OSError, urllib.error.URLError):
            if time.monotonic() > until:
                sys.exit(f"the demo's app did not answer on port {APP_PORT}")
            time.sleep(0.05)


def write_project(environment: dict[str, str]) -> None:
    """`obsctl init` as a user would type it; then the kit's images are named in the file."""
    file = FOLDER / "obsctl.yaml"
    if file.exists():
        say(f"{FOLDER.name}/obsctl.yaml is kept as it is; remove the folder to begin anew")
        return
    FOLDER.mkdir(exist_ok=True)
    obsctl(
        "init", "--yes", "--project=demo", "--environment=demo",
        f"--service=backend=express@localhost:{APP_PORT}",
        f"--service=redis=redis@localhost:{REDIS_PORT}",
        "--service=host=node",
        f"--probe=http://localhost:{APP_PORT}/health",
        environment=environment,
    )  # fmt: skip
    images = "".join(f"    {key}: {image}\n" for key, image in sorted(stack_images().items()))
    with file.open("a") as stream:
        stream.write(f"  images:\n{images}")


def main() -> None:
    say("Docker Engine, images and tools")
    engine = ensure_engine()
    ensure_images()
    ensure_tools()
    environment = {**os.environ, **tool_environment()}
    say("the services that are watched: an HTTP app, Redis, this host")
    start_watched(engine.docker_host, "obsctl-demo", APP_PORT, REDIS_PORT)
    wait_for_app()
    say("obsctl")
    write_project(environment)
    obsctl("up", environment=environment)
    obsctl("check", "--wait", "60", environment=environment)
    say(f"the stack keeps running; take it down with: cd {FOLDER.name} && obsctl down")


if __name__ == "__main__":
    main()
