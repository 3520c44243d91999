"""The logs of a project's services as one stream of lines, each with its service."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from queue import SimpleQueue

from obsctl.engine.client import Engine
from obsctl.engine.planning.observe import Container, observe
from obsctl.errors import EngineError, ObsctlError, Problem, UsageError


@dataclass(frozen=True, slots=True)
class LogLine:
    service: str
    text: str


def log_lines(
    engine: Engine, project: str, services: tuple[str, ...], *, tail: int | None, follow: bool
) -> Iterator[LogLine]:
    """Lines as they come when following, else service after service; UsageError for no service."""
    containers = _chosen(observe(engine, project).containers, services, project)
    if not follow:
        for container in containers:
            yield from _lines(engine, container, tail, follow=False)
        return
    yield from _merged(engine, containers, tail)


def _chosen(
    containers: tuple[Container, ...], services: tuple[str, ...], project: str
) -> list[Container]:
    present = sorted({container.service for container in containers})
    unknown = [name for name in services if name not in present]
    if unknown:
        raise UsageError(*(_unknown(name, present, project) for name in unknown))
    return [one for one in containers if not services or one.service in services]


def _unknown(name: str, present: list[str], project: str) -> Problem:
    near = get_close_matches(name, present, n=1)
    known = f"it has {', '.join(present)}" if present else "nothing of it exists: `obsctl up`"
    hint = f"did you mean `{near[0]}`?" if near else known
    return Problem(f"project `{project}` has no container of a service `{name}`", hint=hint)


def _merged(engine: Engine, containers: list[Container], tail: int | None) -> Iterator[LogLine]:
    queue: SimpleQueue[LogLine | ObsctlError | None] = SimpleQueue()

    def read(container: Container) -> None:
        try:
            for line in _lines(engine, container, tail, follow=True):
                queue.put(line)
        except EngineError as error:
            queue.put(error)
        finally:
            queue.put(None)

    for container in containers:
        # Daemon threads: a quiet log blocks its reader for as long as it is quiet.
        threading.Thread(target=read, args=(container,), daemon=True).start()
    open_ = len(containers)
    while open_:
        item = queue.get()
        if item is None:
            open_ -= 1
        elif isinstance(item, ObsctlError):
            raise item
        else:
            yield item


def _lines(
    engine: Engine, container: Container, tail: int | None, *, follow: bool
) -> Iterator[LogLine]:
    rest = b""
    for piece in engine.logs(container.id, tail=tail, follow=follow):
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield _line(container, line)
    if rest:
        yield _line(container, rest)


def _line(container: Container, line: bytes) -> LogLine:
    return LogLine(container.service, line.decode("utf-8", "replace").rstrip("\r"))
