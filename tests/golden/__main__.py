"""Rewrites the golden files: python -m tests.golden."""

from tests.golden.cases import NAMES, rewrite


def main() -> None:
    for name in NAMES:
        changes = rewrite(name)
        print(f"{name}: {len(changes.written)} written, {len(changes.pruned)} removed")


if __name__ == "__main__":
    main()
