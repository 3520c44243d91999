"""The program as a function of its arguments; `--version` imports nothing else."""

import gc
import sys
from collections.abc import Sequence

from obsctl import __version__


def main(argv: Sequence[str] | None = None) -> int:
    """Run obsctl; returns the exit code that errors.py documents."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments in (["--version"], ["-V"]):
        sys.stdout.write(f"obsctl {__version__}\n")
        return 0
    try:
        import signal

        from obsctl.cli import run
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted\n")
        return 130
    signal.signal(signal.SIGTERM, _terminate)
    # What a command makes lives to its end; looking for cycles all the time is a fifth of it.
    gc.set_threshold(100_000)
    return run(arguments)


def _terminate(_number: int, _frame: object) -> None:
    """An exception, so that temporary files go; `up` has a handler of its own while it applies."""
    raise SystemExit(143)


if __name__ == "__main__":
    sys.exit(main())
