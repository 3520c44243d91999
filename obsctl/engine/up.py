"""Brings a project up: lock, observe, reconcile, pre-flight, check, write, apply, remember."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from obsctl.conventions import (
    COMPOSE_FILE,
    COMPOSE_PROJECT,
    STACK_DIRECTORY,
    STATE_DIRECTORY,
)
from obsctl.engine.applying.good_files import GOOD_DIRECTORY, GoodFiles
from obsctl.engine.client import Engine
from obsctl.engine.desired.coming import Coming
from obsctl.engine.desired.load import load_desired
from obsctl.engine.desired.model import Desired
from obsctl.engine.desired.mounts import inode_of
from obsctl.engine.planning.observe import Observed, observe
from obsctl.engine.planning.plan import Plan
from obsctl.engine.planning.reconcile import reconcile
from obsctl.engine.run.events import Event, OnEvent, watching
from obsctl.engine.run.interrupt import Interrupt, interruptible
from obsctl.engine.run.journal import Journal, interrupted_steps
from obsctl.engine.run.lock import Waiting, project_lock
from obsctl.engine.run.patience import Patience
from obsctl.engine.run.state import Loaded, State, read_state, write_state
from obsctl.errors import Problem, UsageError

if TYPE_CHECKING:
    from obsctl.engine.preflight.lost_secrets import LostSecret

_NOTHING_YET: Final = ("nothing has been changed yet", "`obsctl up` begins anew")


@dataclass(frozen=True, slots=True)
class Goal:
    """What shall run: `compose_file`, as it is or as it is `coming`.

    `at_risk` are services whose data may be changed so that there is no way back.
    """

    compose_file: Path
    project: str
    root: Path
    coming: Coming = field(default_factory=Coming)
    at_risk: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        root: Path,
        project: str,
        coming: Coming | None = None,
        at_risk: frozenset[str] = frozenset(),
    ) -> "Goal":
        """What is rendered below `root`, the project's directory."""
        compose_file = root / STACK_DIRECTORY / COMPOSE_FILE
        return cls(compose_file, project, root, coming or Coming(), at_risk)

    @property
    def state_directory(self) -> Path:
        return self.root / STATE_DIRECTORY

    def desired(self) -> Desired:
        return load_desired(self.compose_file, self.project, self.coming)

    def plan(self, engine: Engine) -> Plan:
        """What bring_up would do now; changes nothing."""
        return self._seen(engine)[2]

    def foresee(self, engine: Engine) -> tuple[Plan, tuple[Problem, ...]]:
        """The plan, and what would keep bring_up from carrying it out; changes nothing."""
        desired, observed, plan = self._seen(engine)
        if not plan.changes:
            return plan, ()
        from obsctl.engine.preflight.problems import foreseen

        return plan, foreseen(engine, desired, observed, plan)

    def lost_secrets(self, engine: Engine, missing: Iterable[str]) -> "tuple[LostSecret, ...]":
        """Those of the `missing` that were in use before, and cannot just be made anew."""
        from obsctl.engine.preflight.lost_secrets import lost_secrets

        desired = self.desired()
        return lost_secrets(desired, observe(engine, desired.project, desired), missing)

    def _seen(self, engine: Engine) -> tuple[Desired, Observed, Plan]:
        desired = self.desired()
        observed = observe(engine, desired.project, desired)
        state = read_state(self.state_directory)
        return desired, observed, reconcile(desired, observed, state, self.at_risk)


@dataclass(frozen=True, slots=True)
class _Run:
    """One bring_up under way."""

    goal: Goal
    desired: Desired
    engine: Engine
    interrupt: Interrupt
    on_event: OnEvent

    def tell(self, text: str) -> None:
        self.on_event(Event(self.desired.project, text))

    @property
    def good(self) -> GoodFiles:
        directory = self.goal.state_directory / GOOD_DIRECTORY
        return GoodFiles(self.desired.file.parent, directory)

    def prepare(self) -> tuple[Observed, Plan]:
        """Everything that can be found out while nothing is changed yet."""
        place = self.goal.state_directory
        for operation, step in interrupted_steps(place).items():
            self.tell(f"the last `up` was cut off in `{operation}` before `{step}`; going on")
        observed = observe(self.engine, self.desired.project, self.desired)
        state = read_state(place)
        plan = reconcile(self.desired, observed, state, self.goal.at_risk)
        if plan.changes and (unseen := self._foretell(observed, plan)):
            # As after a loss of the state, or where docker compose has made the container.
            for container in observed.containers:
                if directory := unseen.get(container.service):
                    state = state.without_mount(container.service, container.id, directory)
            plan = reconcile(self.desired, observed, state, self.goal.at_risk)
            self._foretell(observed, plan)
        self.check_interrupt()
        return observed, plan

    def _foretell(self, observed: Observed, plan: Plan) -> Mapping[str, Path]:
        """EngineError with what would go wrong; directories, by service, that are not seen."""
        # Where there is nothing to do, importing this would take as long as finding that out.
        from obsctl.engine.applying.staging import check_staged
        from obsctl.engine.preflight.problems import preflight, warnings

        for text in warnings(self.engine, self.desired):
            self.tell(text)
        preflight(self.engine, self.desired, observed, plan)
        self.check_interrupt()
        unseen = check_staged(self.engine, self.desired, plan, self.goal.coming)
        # The new files may be under check still: what is imported meanwhile delays nothing.
        import obsctl.engine.applying.apply  # noqa: F401

        return unseen

    def check_interrupt(self) -> None:
        """While nothing is changed yet."""
        self.interrupt.check(*_NOTHING_YET)

    def apply(self, plan: Plan, ready_s: float) -> None:
        journal = Journal(self.goal.state_directory)
        if not plan.operations:
            journal.close()
            return
        from obsctl.engine.applying.apply import apply
        from obsctl.engine.applying.context import Context

        with watching(self.engine, self.desired.project) as watch:
            parts = (self.engine, watch, self.interrupt, journal, self.good)
            try:
                apply(plan, Context(*parts, self.on_event, ready_s))
            finally:
                # Only a run that was killed leaves its journal.
                journal.close()

    def remember(self, observed: Observed, plan: Plan) -> None:
        """Every container has loaded what is on disk, and was seen ready."""
        ids = {one.name: one.id for one in observed.containers}
        if plan.operations:
            listed = self.engine.containers(f"{COMPOSE_PROJECT}={self.desired.project}")
            ids = {name.lstrip("/"): one["Id"] for one in listed for name in one["Names"]}
        before = read_state(self.goal.state_directory).loaded
        loaded = {
            name: Loaded(
                ids[service.container],
                dict(service.hot.digests),
                service.image,
                {str(one.path): inode for one in service.sources if (inode := inode_of(one.path))},
            )
            for name, service in self.desired.services.items()
            if service.container in ids
        }
        for name, entry in loaded.items():
            service = self.desired.services[name]
            if before.get(name) != entry or not self.good.has(service):
                self.good.keep(service)
        write_state(self.goal.state_directory, State(loaded))


def bring_up(goal: Goal, on_event: OnEvent, patience: Patience = Patience()) -> Plan:  # noqa: B008 - it is frozen
    """Make the Engine run what the goal says; returns the plan that was carried out.

    EngineError when it cannot be done or failed; Stopped after SIGINT or SIGTERM.
    """

    def tell(text: str) -> None:
        on_event(Event(goal.project, text))

    with interruptible(tell) as interrupt:
        waiting = Waiting(patience.lock_s, tell, lambda: interrupt.check(*_NOTHING_YET))
        with project_lock(goal.state_directory, waiting):
            desired = goal.desired()
            _check_names(goal.at_risk, desired)
            run = _Run(goal, desired, Engine.open(tell=tell), interrupt, on_event)
            observed, plan = run.prepare()
            try:
                goal.coming.check()
            finally:
                run.check_interrupt()  # ^C in a terminal ends the checkers as well
            goal.coming.write()
            run.apply(plan, patience.ready_s)
            run.remember(observed, plan)
            return plan


def _check_names(at_risk: frozenset[str], desired: Desired) -> None:
    known = ", ".join(sorted(desired.services))
    problems = [
        Problem(f"there is no service `{name}`", hint=f"it is one of: {known}")
        for name in sorted(at_risk - desired.services.keys())
    ]
    if problems:
        raise UsageError(*problems)
