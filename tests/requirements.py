"""Prints what the developers' environment needs: the one list is pyproject.toml's."""

import sys
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"


def main() -> None:
    document = tomllib.loads(PYPROJECT.read_text())
    wanted = [
        *document["build-system"]["requires"],
        *document["project"]["dependencies"],
        *document["dependency-groups"]["dev"],
        "editables",  # hatchling's editable installs import it
    ]
    sys.stdout.write("\n".join(wanted) + "\n")


if __name__ == "__main__":
    main()
