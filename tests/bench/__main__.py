"""`make bench`: up in every size of change, beside docker compose; a Markdown table."""

import itertools
import os
import re
import shutil
import statistics
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.measure import Run, alternate, median_seconds, peak_mib, run
from tests.bench.projects import running, wide
from tests.kit.engine import ensure_engine
from tests.kit.images import ensure_images, stack_images
from tests.kit.tools import ensure_tools, tool_environment

OBSCTL = str(Path(sys.executable).with_name("obsctl"))
PROJECT = "obsctlbench"
PAIRS = 3
WIDE = 20  # services of the larger project
TABLE = Path("build/bench.md")
RULES = "http://127.0.0.1:19090/api/v1/rules"
_OUTAGE = re.compile(r"replaced, ([0-9.]+) s without it")


@dataclass(frozen=True, slots=True)
class Bench:
    """One project folder and the environment in which both tools run."""

    folder: Path
    environment: dict[str, str]

    def obsctl(self, *arguments: str) -> Run:
        return run([OBSCTL, *arguments], self.folder, self.environment)

    def compose(self, *arguments: str) -> Run:
        file = str(self.folder / "stack" / "docker-compose.yml")
        command = ["docker-compose", "-p", PROJECT, "-f", file, *arguments]
        return run(command, self.folder, self.environment)


@contextmanager
def prepared() -> Iterator[Bench]:
    ensure_engine()
    ensure_images()
    ensure_tools()
    folder = Path(tempfile.mkdtemp(prefix="obsctl-bench-"))
    bench = Bench(folder, {**_as_installed(folder), **tool_environment()})
    (folder / "obsctl.yaml").write_text(running(PROJECT, stack_images()))
    try:
        # Once and away: secrets generated, files rendered, caches warm for both.
        bench.obsctl("up")
        yield bench
    finally:
        bench.obsctl("down", "--volumes")
        shutil.rmtree(folder)


def _as_installed(folder: Path) -> dict[str, str]:
    """The environment, with bytecode kept as pip keeps it for an installed obsctl."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


def cold(bench: Bench) -> list[str]:
    def ours() -> Run:
        bench.compose("down", "--volumes")
        return bench.obsctl("up")

    def theirs() -> Run:
        bench.obsctl("down", "--volumes")
        return bench.compose("up", "-d", "--wait")

    return row("cold `up`, all healthy", *alternate(PAIRS, ours, theirs), budget=0.5)


def unchanged(bench: Bench) -> list[str]:
    bench.obsctl("up")
    ours, theirs = alternate(
        2 * PAIRS, lambda: bench.obsctl("up"), lambda: bench.compose("up", "-d", "--wait")
    )
    return row("`up` with nothing changed", ours, theirs, budget=0.3)


def changed(bench: Bench) -> Iterator[list[str]]:
    retentions = iter(f"{days}d" for days in range(20, 20 + 4 * PAIRS))

    def rewrite() -> None:
        text = running(PROJECT, stack_images(), retention=next(retentions))
        (bench.folder / "obsctl.yaml").write_text(text)

    def ours() -> Run:
        rewrite()
        return bench.obsctl("up")

    def theirs() -> Run:
        rewrite()
        bench.obsctl("render")
        return bench.compose("up", "-d", "--wait")

    mine, other = alternate(PAIRS, ours, theirs)
    told = [float(found) for one in mine for found in _OUTAGE.findall(one.printed)]
    outage = f"{statistics.median(told):.2f} s"
    yield row("`up` with one changed service", mine, other, budget=1.0)
    yield ["that service's outage, as `up` tells it", outage, "", "", "0.30 s"]


def reloaded(bench: Bench) -> Iterator[list[str]]:
    """A threshold; docker compose does not see it, so Prometheus is told by hand."""
    thresholds = itertools.cycle(("81%", "82%", "83%", "84%"))

    def rewrite() -> str:
        threshold = next(thresholds)
        text = running(PROJECT, stack_images(), threshold=threshold)
        (bench.folder / "obsctl.yaml").write_text(text)
        return f"0.{threshold.rstrip('%')}"

    live: list[float] = []

    def ours() -> Run:
        wanted = rewrite()
        watcher = threading.Thread(target=_until_live, args=(wanted, live))
        watcher.start()
        done = bench.obsctl("up")
        watcher.join()
        return done

    def theirs() -> Run:
        rewrite()
        began = time.perf_counter()
        bench.obsctl("render")
        bench.compose("up", "-d", "--wait")
        bench.compose("kill", "-s", "HUP", "prometheus")
        return Run(time.perf_counter() - began, 0)

    rewrite()
    bench.obsctl("up")
    yield row("`up` with a changed threshold (one reload)", *alternate(PAIRS, ours, theirs), 1.0)
    yield ["that threshold live in Prometheus", f"{statistics.median(live):.2f} s", "", "", "1 s"]


def _until_live(wanted: str, live: list[float]) -> None:
    """Seconds until Prometheus's own API has the rule with the new threshold."""
    began = time.perf_counter()
    while time.perf_counter() - began < 60:
        with urllib.request.urlopen(RULES, timeout=10) as answer:
            if wanted in answer.read().decode():
                live.append(time.perf_counter() - began)
                return
        time.sleep(0.02)
    sys.exit(f"no rule with {wanted} in Prometheus")


def many(bench: Bench) -> list[str]:
    """Prometheus, Alertmanager, Grafana, two exporters, and an exporter for each Redis."""
    text = running(PROJECT, stack_images(), redis=WIDE - 5)
    (bench.folder / "obsctl.yaml").write_text(text)
    bench.obsctl("up")
    found = cold(bench)
    return [f"{found[0]}, {WIDE} services", *found[1:]]


def row(title: str, ours: list[Run], theirs: list[Run], budget: float) -> list[str]:
    mine, other = median_seconds(ours), median_seconds(theirs)
    return [title, f"{mine:.2f} s", f"{other:.2f} s", f"{mine / other:.2f}", f"{budget:.2f}"]


def alone(title: str, runs: list[Run], budget: str) -> list[str]:
    figure = f"{median_seconds(runs):.2f} s, {peak_mib(runs):.0f} MiB"
    return [title, figure, "", "", budget]


def rendering(bench: Bench) -> Iterator[list[str]]:
    known = [bench.obsctl("render", "--check") for _ in range(2 * PAIRS)]
    yield alone("`render --check`, nothing changed", known, "0.30 s")
    yield alone("`render --check`, all anew", [_anew(bench) for _ in range(2 * PAIRS)], "0.30 s")
    folder = bench.folder / "wide"
    folder.mkdir()
    (folder / "obsctl.yaml").write_text(wide(1000, 10))
    # promtool takes minutes for the unit tests of so many rules; this is about obsctl.
    without_tools = {**bench.environment, "PATH": os.defpath}
    once = [run([OBSCTL, "render"], folder, without_tools)]
    yield alone("first `render` of 1,000 services, 10,000 targets", once, "5 s, 300 MiB")


def _anew(bench: Bench) -> Run:
    (bench.folder / ".obsctl" / "rendered.json").unlink(missing_ok=True)
    return bench.obsctl("render", "--check")


def main() -> None:
    header = ["what", "obsctl", "docker compose", "ratio", "budget"]
    with prepared() as bench:
        rows = [header, ["---"] * 5, cold(bench), unchanged(bench), *changed(bench)]
        rows += [*reloaded(bench), *rendering(bench), many(bench)]
    table = "\n".join("| " + " | ".join(cells) + " |" for cells in rows)
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text(f"{table}\n")
    print(f"{table}\n\nwritten to {TABLE}")


if __name__ == "__main__":
    main()
