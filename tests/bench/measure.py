"""Runs commands in turn and keeps the wall time and peak memory of each as a whole process."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Run:
    """One finished process: seconds of wall time, peak resident set in MiB."""

    seconds: float
    peak_mib: float
    printed: str = ""


def run(command: Sequence[str], cwd: Path, environment: Mapping[str, str]) -> Run:
    """Run to the end; a failure ends the benchmark with what the command printed."""
    started = time.perf_counter()
    with subprocess.Popen(
        command, cwd=cwd, env=dict(environment), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        printed = process.stdout.read()
        # wait4 gives this child's own peak, which getrusage(RUSAGE_CHILDREN) would mix up.
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - started
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}\n{printed.decode()}")
    return Run(seconds, usage.ru_maxrss / 1024, printed.decode())


def alternate(
    pairs: int, ours: Callable[[], Run], theirs: Callable[[], Run]
) -> tuple[list[Run], list[Run]]:
    """A B A B ...: a machine that slows down slows both."""
    results = [(ours(), theirs()) for _ in range(pairs)]
    return [pair[0] for pair in results], [pair[1] for pair in results]


def median_seconds(runs: Sequence[Run]) -> float:
    return statistics.median(one.seconds for one in runs)


def peak_mib(runs: Sequence[Run]) -> float:
    return max(one.peak_mib for one in runs)
