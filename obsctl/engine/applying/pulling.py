"""Pulls one image: progress over all of its layers, and another try where that may help."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, Final

from obsctl.engine.applying.context import Context
from obsctl.engine.connection.failures import EngineRefusal
from obsctl.engine.preflight.registry import image_problems, is_passing
from obsctl.errors import EngineError

_PAUSES_S: Final = (1.0, 2.0, 4.0, 8.0)
# How often a silent stream is left to see whether the user wants to stop.
_LOOK_S: Final = 0.2
_KIBIBYTE: Final = 2**10
_MEBIBYTE: Final = 2**20
_DETAILS_MAX: Final = 6


def pull_image(context: Context, reference: str) -> None:
    """Pull, and try again after a passing error; the layers that came through are kept.

    EngineError with the cause in plain words; Stopped when the user asks to stop.
    """
    for pause_s in (*_PAUSES_S, None):
        try:
            _pull(context, reference)
        except EngineRefusal as refusal:
            if pause_s is None or not is_passing(refusal.reason):
                raise EngineError(*image_problems({reference: refusal.reason})) from refusal
            context.tell(reference, f"pulling again in {pause_s:.0f} s after: {refusal.reason}")
            context.interrupt.pause(pause_s)
        else:
            return


def _pull(context: Context, reference: str) -> None:
    layers = Layers()
    shown: tuple[str, ...] = ()
    for event in _interruptible(
        lambda: context.engine.pull(reference), f"pull image `{reference}`", context
    ):
        layers.note(event)
        lines = (layers.total(), *layers.details())
        if lines != shown:
            shown = lines
            context.tell(reference, lines[0], details=lines[1:])


def _interruptible(
    events: Callable[[], Iterator[Mapping[str, Any]]], doing: str, context: Context
) -> Iterator[Mapping[str, Any]]:
    """The events, read in a thread: a registry that says nothing must not keep the user."""
    queue: SimpleQueue[Mapping[str, Any] | Exception | None] = SimpleQueue()

    def read() -> None:
        try:
            for event in events():
                queue.put(event)
            queue.put(None)
        except Exception as error:  # noqa: BLE001 - raised again where it is waited for
            queue.put(error)

    threading.Thread(target=read, daemon=True).start()
    wait = context.engine.pulse.waiting(doing)
    while True:
        context.interrupt.check()
        try:
            got = queue.get(timeout=_LOOK_S)
        except Empty:
            wait.look()
            continue
        wait = context.engine.pulse.waiting(doing)
        if got is None:
            return
        if isinstance(got, Exception):
            raise got
        yield got


@dataclass(slots=True)
class Layers:
    """How far each layer of an image has come: what is done to it, bytes, bytes in all."""

    known: dict[str, tuple[str, int, int]] = field(default_factory=dict)

    def note(self, event: Mapping[str, Any]) -> None:
        """Take in one event of the Engine's stream; those of no layer change nothing."""
        layer, status = str(event.get("id", "")), str(event.get("status", ""))
        doing = _STATES.get(status)
        if not layer or doing is None:
            return
        _, current, size = self.known.get(layer, ("", 0, 0))
        detail = event.get("progressDetail") or {}
        if doing == "downloading":
            size = int(detail.get("total") or 0) or size
            current = int(detail.get("current") or 0)
        elif doing != "waiting":
            current = size  # extracting counts from zero again
        self.known[layer] = (doing, current, size)

    def total(self) -> str:
        """One line over all layers."""
        if not self.known:
            return "pulling"
        done = sum(doing == "done" for doing, _, _ in self.known.values())
        counted = f"{done} of {len(self.known)} layers"
        size = sum(size for _, _, size in self.known.values())
        if not size:
            return f"pulling, {counted}"
        current = sum(current for _, current, _ in self.known.values())
        return f"pulling {_size(current)} of {_size(size)}, {counted}"

    def details(self) -> tuple[str, ...]:
        """A line for each of the layers that something is done to now; the first few."""
        moving = [
            f"{layer} downloading {_size(current)} of {_size(size)}"
            if doing == "downloading"
            else f"{layer} {doing}"
            for layer, (doing, current, size) in self.known.items()
            if doing not in {"waiting", "done"}
        ]
        return tuple(moving[:_DETAILS_MAX])


_STATES: Final[Mapping[str, str]] = {
    "Pulling fs layer": "waiting",
    "Waiting": "waiting",
    "Downloading": "downloading",
    "Verifying Checksum": "verifying",
    "Download complete": "downloaded",
    "Extracting": "extracting",
    "Pull complete": "done",
    "Already exists": "done",
}


def _size(count: int) -> str:
    if count < _MEBIBYTE:
        return f"{count / _KIBIBYTE:.0f} KiB"
    return f"{count / _MEBIBYTE:.0f} MiB"
