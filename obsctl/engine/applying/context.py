"""What every operation needs: the Engine, who listens, and when to stop."""

from dataclasses import dataclass

from obsctl.engine.applying.good_files import GoodFiles
from obsctl.engine.client import Engine
from obsctl.engine.run.events import Event, OnEvent, Outcome, Watch
from obsctl.engine.run.interrupt import Interrupt
from obsctl.engine.run.journal import Journal
from obsctl.engine.run.patience import TIMEOUT_S


@dataclass(frozen=True, slots=True)
class Context:
    """`timeout_s` is the longest that is waited for any one container."""

    engine: Engine
    watch: Watch
    interrupt: Interrupt
    journal: Journal
    good: GoodFiles
    on_event: OnEvent
    timeout_s: float = TIMEOUT_S

    def tell(
        self,
        subject: str,
        state: str,
        outcome: Outcome = "running",
        details: tuple[str, ...] = (),
    ) -> None:
        self.on_event(Event(subject, state, outcome, details))
