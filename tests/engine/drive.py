"""The engine alone, as a process that can be killed: `up`, `plan` or `down` of one directory."""

import sys
from pathlib import Path

from obsctl.console import print_data, print_note, print_problems, steps
from obsctl.engine.client import Engine
from obsctl.engine.desired.coming import Coming
from obsctl.engine.desired.load import load_desired
from obsctl.engine.down import take_down
from obsctl.engine.run.files import write_atomically
from obsctl.engine.run.patience import Patience
from obsctl.engine.up import Goal, bring_up
from obsctl.errors import ObsctlError


def _coming(root: Path, options: tuple[str, ...]) -> Coming:
    """`--coming=DIRECTORY` holds files that are yet to be written to stack/."""
    found = [Path(one.partition("=")[2]) for one in options if one.startswith("--coming=")]
    if not found:
        return Coming()
    files = [path for path in found[0].rglob("*") if path.is_file()]
    texts = {path.relative_to(found[0]).as_posix(): path.read_text() for path in files}

    def write() -> None:
        for path, text in texts.items():
            write_atomically(root / "stack" / path, text, mode=0o644)

    return Coming(texts, frozenset(), write)


def _risks(options: tuple[str, ...]) -> frozenset[str]:
    key = "--accept-data-risk="
    return frozenset(one.removeprefix(key) for one in options if one.startswith(key))


def main(action: str, directory: str, *options: str) -> int:
    root = Path(directory)
    compose_file = root / "stack" / "docker-compose.yml"
    lock_s = 0.0 if "--no-wait" in options else 60.0
    try:
        desired = load_desired(compose_file, "")
        goal = Goal(compose_file, desired.project, root, _coming(root, options), _risks(options))
        if action == "plan":
            print_data(str(goal.plan(Engine.open())))
        elif action == "down":
            with steps() as on_event:
                volumes = "--volumes" in options
                print_data(str(take_down(desired.project, root, on_event, volumes=volumes)))
        else:
            with steps() as on_event:
                patience = Patience(lock_s, ready_s=20)
                print_data(str(bring_up(goal, on_event, patience)))
    except ObsctlError as error:
        print_problems(error.problems)
        return error.exit_code
    print_note("ended well")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
