"""Has a running component's own tool check its changed files, before it could ever load them."""

import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from obsctl.engine.client import Engine
from obsctl.engine.connection.failures import EngineRefusal
from obsctl.engine.desired.coming import Coming
from obsctl.engine.desired.model import Desired, DesiredService
from obsctl.engine.planning.observe import Container
from obsctl.engine.planning.plan import Action, Operation, Plan
from obsctl.engine.run.files import not_writable
from obsctl.errors import EngineError, Problem

# Below the mounted directory, thus visible inside; hidden, thus loaded by nothing.
STAGED: Final = ".obsctl-staged"
_SHOWN: Final = 600
_NO_FILE: Final = "(does not exist|no such file)"
_NO_SUCH_PROGRAM: Final = frozenset({126, 127})


@dataclass(frozen=True, slots=True)
class _Tool:
    """A component's checker, the file that it reads, and how the component mounts it."""

    directory: str
    file: str
    command: tuple[str, ...]


_TOOLS: Final[Mapping[str, _Tool]] = {
    "prometheus": _Tool("/etc/prometheus", "prometheus.yml", ("promtool", "check", "config", "{}")),
    "alertmanager": _Tool(
        "/etc/alertmanager", "alertmanager.yml", ("amtool", "check-config", "{}")
    ),
    "blackbox-exporter": _Tool(
        "/etc/blackbox_exporter",
        "blackbox.yml",
        ("blackbox_exporter", "--config.check", "--config.file={}"),
    ),
}


class _UnseenError(Exception):
    """What is put into the directory here does not come up inside the container."""


def check_staged(
    engine: Engine, desired: Desired, plan: Plan, coming: Coming
) -> Mapping[str, Path]:
    """Check what reloads would load; EngineError in the tools' own words, with nothing changed.

    Returns the directories, by service, of which the container does not see what is in them: it
    mounts another one that had the name before. A custom image may lack the tool to tell.
    """
    problems: list[Problem] = []
    unseen: dict[str, Path] = {}
    for operation in plan.operations:
        found = _staged(desired, operation)
        if found is None or operation.service is None or operation.current is None:
            continue
        tool, source = found
        try:
            with _copy(source, desired.file.parent, coming) as here:
                words = _complaint(engine, operation.current, tool, here)
        except _UnseenError:
            unseen[operation.resource] = source
            continue
        if words:
            problems.append(_would_refuse(operation.service, words))
    if problems:
        raise EngineError(*problems)
    return unseen


def _would_refuse(service: DesiredService, words: str) -> Problem:
    return Problem(
        f"`{service.name}` refused its changed configuration: {words}",
        hint="it goes on with the configuration that it has; correct it and run `obsctl up`",
    )


def _staged(desired: Desired, operation: Operation) -> tuple[_Tool, Path] | None:
    """The tool for this operation, and the directory of the host that the component mounts."""
    tool = _TOOLS.get(operation.resource)
    container = operation.current
    if operation.action is not Action.RELOAD or tool is None or container is None:
        return None
    for mount in container.inspected.get("Mounts") or ():
        source = Path(mount.get("Source", ""))
        ours = mount["Type"] == "bind" and source.is_relative_to(desired.file.parent)
        # An old stack may mount a single file: nothing can be put beside that.
        if ours and mount["Destination"] == tool.directory and source.is_dir():
            return tool, source
    return None


@contextmanager
def _copy(source: Path, stack: Path, coming: Coming) -> Iterator[Path]:
    """The directory as it is about to be, in a hidden one below it."""
    staged = source / STAGED
    below = f"{source.relative_to(stack).as_posix()}/"
    fresh = {path: text for path, text in coming.texts.items() if path.startswith(below)}
    try:
        shutil.rmtree(staged, ignore_errors=True)  # of a run that was killed
        shutil.copytree(source, staged, ignore=shutil.ignore_patterns(".*"))
        for path in filter(lambda path: path.startswith(below), coming.gone):
            (staged / path.removeprefix(below)).unlink(missing_ok=True)
        for path, text in fresh.items():
            place = staged / path.removeprefix(below)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
        _open_up(staged)
        yield staged
    except OSError as error:
        raise not_writable(staged, error) from None
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _open_up(directory: Path) -> None:
    """The component reads as a user of its own, whatever the umask here."""
    for path in (directory, *directory.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _complaint(engine: Engine, container: Container, tool: _Tool, staged: Path) -> str:
    """What the tool has to say; "" when it agrees, or is not there."""
    inside = f"{tool.directory}/{STAGED}"
    main = staged / tool.file
    if not main.is_file():
        return f"there is no `{tool.file}`"
    # What it names by its full path is checked in its coming form as well.
    text = main.read_text(encoding="utf-8")
    main.write_text(text.replace(f"{tool.directory}/", f"{inside}/"), encoding="utf-8")
    path = f"{inside}/{tool.file}"
    command = [word.format(path) for word in tool.command]
    try:
        code, output = engine.run(container.id, command)
    except EngineRefusal as refusal:
        if "not found" in refusal.reason:
            return ""
        raise
    if code == 0 or code in _NO_SUCH_PROGRAM:
        return ""
    said = output.decode("utf-8", "replace")
    if re.search(rf"{re.escape(path)}\W+{_NO_FILE}", said):
        raise _UnseenError
    lines = said.replace(f"{inside}/", "").splitlines()
    words = " ".join(" ".join(line for line in lines if "level=INFO" not in line).split())
    return words[:_SHOWN] or f"{command[0]} ended with exit code {code}"
