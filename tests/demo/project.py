"""The demo's project: `obsctl init` as a user would type it, and what the story needs besides."""

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "demo"
FILE = FOLDER / "obsctl.yaml"
OBSCTL = str(Path(sys.executable).with_name("obsctl"))
# Ports of their own, so that the demo disturbs no Redis, MongoDB or app of the machine's.
APP_PORT = 18080
WEBHOOK_PORT = 18081
REDIS_PORT = 16379
MONGODB_PORT = 17017

_APP = "    kind: express                       # serves its metrics itself\n"
_APP_METRICS = """\
    settings:                           # metrics of the shop's business
      cache_requests_metric: app_cache_requests_total
      transactions_metric: app_transactions_total
      active_users_metric: app_active_users
      revenue_metric: app_revenue_total
"""
_STORY = """
# For the demo: errors go to Bugsink, and the usual minutes are seconds.
errors: { bugsink: {} }
alerts:
  HighErrorRate: { warning: 5%, critical: 10%, for: 1s, keep_firing_for: 1s }
"""
_SCRAPES = "    scrape_interval: 2s\n    evaluation_interval: 1s\n"
_ROUTES = "    warning: [ops]\n"
_GROUPING = "  grouping: { wait: 15s, interval: 1s } # usually 30s and 5m\n"


def obsctl(*arguments: str, environment: Mapping[str, str]) -> int:
    """Run a command in the demo's folder; its exit code."""
    print(f"$ obsctl {' '.join(arguments)}", file=sys.stderr, flush=True)
    done = subprocess.run([OBSCTL, *arguments], cwd=FOLDER, env=environment, check=False)
    return done.returncode


def tells_a_story() -> bool:
    """Whether the project file has what the story needs."""
    return _STORY in FILE.read_text()


def write_project(images: Mapping[str, str], environment: Mapping[str, str], *, story: bool) -> str:
    """Make the project, or keep it as it is but for the images; what is to be said about it."""
    if FILE.exists():
        FILE.write_text(_with_images(FILE.read_text(), images))
        return (
            f"{FOLDER.name}/obsctl.yaml is kept as it is; to begin anew: make demo-down, rm -r demo"
        )
    arguments = [
        "init", "--yes", "--project=demo", "--environment=demo",
        f"--service=backend=express@localhost:{APP_PORT}",
        f"--service=redis=redis@localhost:{REDIS_PORT}",
        "--service=host=node",
        f"--probe=http://localhost:{APP_PORT}/health",
    ]  # fmt: skip
    if story:
        arguments.append(f"--service=mongodb=mongodb@localhost:{MONGODB_PORT}")
        arguments.append(f"--webhook=http://host.docker.internal:{WEBHOOK_PORT}/ops")
    if code := obsctl(*arguments, environment=environment):
        sys.exit(code)
    text = FILE.read_text()
    if story:
        text = _followed(_followed(text, _APP, _APP_METRICS), _ROUTES, _GROUPING) + _SCRAPES
    names = "".join(f"    {key}: {image}\n" for key, image in sorted(images.items()))
    FILE.write_text(f"{text}  images:\n{names}{_STORY if story else ''}")
    return ""


def _followed(text: str, line: str, more: str) -> str:
    """The text with more after a line that `init` writes."""
    before, found, after = text.partition(line)
    if not found:
        msg = f"obsctl init no longer writes {line!r}"
        raise LookupError(msg)
    return before + found + more + after


def _with_images(text: str, images: Mapping[str, str]) -> str:
    """The kit's images have other names once they are made anew."""
    for key, image in images.items():
        text = re.sub(rf"^    {key}: kit/\S+$", f"    {key}: {image}", text, flags=re.MULTILINE)
    return text
