"""How long obsctl waits for what others do."""

from dataclasses import dataclass
from typing import Final

TIMEOUT_S: Final = 600.0


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: for another obsctl's lock, and for any one container to become ready."""

    lock_s: float = TIMEOUT_S
    ready_s: float = TIMEOUT_S
