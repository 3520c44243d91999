"""The engine alone, as a process that can be killed: `up`, `plan` or `down` of one directory."""

import sys
from pathlib import Path

from obsctl.console import print_data, print_note, print_problems, steps
from obsctl.engine.client import Engine
from obsctl.engine.desired import load_desired
from obsctl.engine.down import take_down
from obsctl.engine.up import Patience, bring_up, make_plan
from obsctl.errors import ObsctlError


def main(action: str, directory: str, *options: str) -> int:
    root = Path(directory)
    compose_file = root / "stack" / "docker-compose.yml"
    lock_s = 0.0 if "--no-wait" in options else 60.0
    try:
        desired = load_desired(compose_file, "")
        if action == "plan":
            print_data(str(make_plan(Engine.open(), desired, root)))
        elif action == "down":
            with steps() as on_event:
                volumes = "--volumes" in options
                print_data(str(take_down(desired.project, root, on_event, volumes=volumes)))
        else:
            with steps() as on_event:
                patience = Patience(lock_s, ready_s=20)
                print_data(str(bring_up(compose_file, desired.project, root, on_event, patience)))
    except ObsctlError as error:
        print_problems(error.problems)
        return error.exit_code
    print_note("ended well")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
