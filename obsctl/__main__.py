"""The program as a function of its arguments; `--version` imports nothing else."""

import sys
from collections.abc import Sequence

from obsctl import __version__


def main(argv: Sequence[str] | None = None) -> int:
    """Run obsctl; returns the exit code that errors.py documents."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments in (["--version"], ["-V"]):
        sys.stdout.write(f"obsctl {__version__}\n")
        return 0
    from obsctl.cli import run

    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
