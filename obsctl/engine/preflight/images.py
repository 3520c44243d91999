"""Whether the images of a plan can be had, and run on this Engine."""

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from obsctl.engine.client import Engine
from obsctl.engine.connection.failures import EngineRefusal
from obsctl.engine.connection.host import emulated, is_this_machine
from obsctl.engine.desired.model import DesiredService
from obsctl.engine.planning.observe import Observed, Platform
from obsctl.engine.planning.plan import Action, Plan
from obsctl.engine.preflight.registry import image_problems, is_passing, platform_reason
from obsctl.errors import EngineError, Problem

# Between asking a registry again that did not answer.
_PAUSES_S: Final = (0.3, 0.9)
# What a processor of one name runs beside its own, by itself.
_RUNS_TOO: Final = {"amd64": "386", "arm64": "arm"}


def unobtainable_images(engine: Engine, plan: Plan) -> list[Problem]:
    """Why images that the plan pulls cannot be pulled."""
    wanted = [one.resource for one in plan.operations if one.action is Action.PULL]
    if not wanted:
        return []

    def reason(image: str) -> str | None:
        return _not_to_be_had(engine, image)

    with ThreadPoolExecutor(min(len(wanted), 8)) as pool:
        found = dict(zip(wanted, pool.map(reason, wanted), strict=True))
    return image_problems({image: reason for image, reason in found.items() if reason})


def _not_to_be_had(engine: Engine, image: str) -> str | None:
    """Why an image cannot be pulled; one that can is None."""
    for pause_s in (*_PAUSES_S, None):
        try:
            found = engine.find_in_registry(image)
        except EngineError as error:
            reason = error.reason if isinstance(error, EngineRefusal) else str(error)
            if pause_s is None or not is_passing(reason):
                return reason
            time.sleep(pause_s)
        else:
            return platform_reason(found.get("Platforms") or (), engine.platform)
    return None


def unfit_images(
    engine: Engine, observed: Observed, services: Iterable[DesiredService]
) -> Iterator[Problem]:
    """Images that are here already, but are made for another machine than the Engine's."""
    wanted = {service.image for service in services}
    found = {image: observed.platforms[image] for image in wanted & observed.platforms.keys()}
    foreign = {image: one for image, one in found.items() if not fits(one, engine.platform)}
    for image, (system, architecture) in sorted(foreign.items()):
        if _may_emulate(engine, architecture):
            continue
        yield Problem(
            f"image `{image}` is here, and made for {system}/{architecture}: "
            f"the Engine runs {'/'.join(engine.platform)}",
            hint=f"`docker rmi {image}` lets `up` pull the right one, "
            "or choose another under `stack.images`",
        )


def fits(made_for: Platform, machine: Platform) -> bool:
    """Whether a machine runs an image without help; what is not said is no reason to doubt."""
    if not all(made_for) or not all(machine):
        return True
    system, architecture = machine
    return made_for in {machine, (system, _RUNS_TOO.get(architecture, architecture))}


def _may_emulate(engine: Engine, architecture: str) -> bool:
    """Docker Desktop and its like do; another machine's kernel cannot be asked."""
    if not is_this_machine(engine.info()):
        return True
    return emulated(architecture, Path("/proc/sys/fs/binfmt_misc"))
