"""Pulls one image; progress in bytes over all of its layers."""

from collections.abc import Mapping
from typing import Any, Final

from obsctl.engine.context import Context
from obsctl.engine.failures import EngineRefusal
from obsctl.errors import EngineError

_ATTEMPTS: Final = 3
_PAUSE_S: Final = 1.0
_MEBIBYTE: Final = 2**20
# What trying again does not change.
_FINAL: Final = ("manifest unknown", "unauthorized", "denied", "not found", "no such host")


def pull_image(context: Context, reference: str) -> None:
    """Pull, and try again after a broken connection; the layers that came through are kept."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            _pull(context, reference)
        except EngineError as error:
            if attempt == _ATTEMPTS or _is_final(error):
                raise
            context.tell(reference, f"pulling again after: {error}")
            context.watch.wait(context.watch.count, _PAUSE_S * attempt)
        else:
            return


def _pull(context: Context, reference: str) -> None:
    layers: dict[str, tuple[int, int]] = {}
    shown = ""
    for event in context.engine.pull(reference):
        context.interrupt.check()
        _note(layers, event)
        text = _progress(layers)
        if text != shown:
            shown = text
            context.tell(reference, text)


def _note(layers: dict[str, tuple[int, int]], event: Mapping[str, Any]) -> None:
    """Keep the bytes of a layer: the download's, for extracting counts from zero again."""
    detail = event.get("progressDetail") or {}
    layer, total = event.get("id", ""), int(detail.get("total") or 0)
    if event.get("status") == "Downloading" and total > 0:
        layers[layer] = (int(detail.get("current") or 0), total)
    elif event.get("status") in {"Download complete", "Pull complete"} and layer in layers:
        layers[layer] = (layers[layer][1], layers[layer][1])


def _progress(layers: Mapping[str, tuple[int, int]]) -> str:
    total = sum(size for _, size in layers.values())
    if not total:
        return "pulling"
    done = sum(current for current, _ in layers.values())
    return f"pulling {done / _MEBIBYTE:.0f} MiB of {total / _MEBIBYTE:.0f} MiB"


def _is_final(error: EngineError) -> bool:
    if not isinstance(error, EngineRefusal):
        return True
    return any(words in error.reason for words in _FINAL)
