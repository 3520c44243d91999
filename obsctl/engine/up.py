"""Brings a project up: lock, observe, reconcile, pre-flight, apply, remember."""

from dataclasses import dataclass
from pathlib import Path

from obsctl.conventions import COMPOSE_PROJECT, STATE_DIRECTORY
from obsctl.engine.apply import apply
from obsctl.engine.client import Engine
from obsctl.engine.context import TIMEOUT_S, Context
from obsctl.engine.desired import load_desired
from obsctl.engine.events import Event, OnEvent, watching
from obsctl.engine.interrupt import Interrupt, interruptible
from obsctl.engine.journal import Journal, interrupted_steps
from obsctl.engine.lock import Waiting, project_lock
from obsctl.engine.model import Desired
from obsctl.engine.observe import observe
from obsctl.engine.plan import Plan
from obsctl.engine.preflight import preflight, warnings
from obsctl.engine.reconcile import reconcile
from obsctl.engine.state import Loaded, State, read_state, write_state


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: for another obsctl's lock, and for any one container to become ready."""

    lock_s: float = TIMEOUT_S
    ready_s: float = TIMEOUT_S


@dataclass(frozen=True, slots=True)
class _Run:
    """One bring_up under way."""

    directory: Path
    interrupt: Interrupt
    on_event: OnEvent
    patience: Patience

    def apply(self, engine: Engine, plan: Plan, project: str) -> None:
        journal = Journal(self.directory)
        if not plan.operations:
            journal.close()
            return
        with watching(engine, project) as watch:
            ready_s = self.patience.ready_s
            context = Context(engine, watch, self.interrupt, journal, self.on_event, ready_s)
            try:
                apply(plan, context)
            finally:
                # Only a run that was killed leaves its journal.
                journal.close()


def make_plan(engine: Engine, desired: Desired, root: Path) -> Plan:
    """What bring_up would do now; changes nothing."""
    observed = observe(engine, desired.project, desired)
    return reconcile(desired, observed, read_state(root / STATE_DIRECTORY))


def bring_up(
    compose_file: Path,
    project: str,
    root: Path,
    on_event: OnEvent,
    patience: Patience = Patience(),
) -> Plan:
    """Make the Engine run what the compose file says; returns the plan that was carried out.

    EngineError when it cannot be done or failed; Stopped after SIGINT or SIGTERM.
    """

    def tell(text: str) -> None:
        on_event(Event(project, text))

    with interruptible() as interrupt:
        run = _Run(root / STATE_DIRECTORY, interrupt, on_event, patience)
        waiting = Waiting(patience.lock_s, tell, interrupt.check)
        with project_lock(run.directory, waiting):
            desired = load_desired(compose_file, project)
            engine = Engine.open()
            return _bring_up(run, engine, desired)


def _bring_up(run: _Run, engine: Engine, desired: Desired) -> Plan:
    def tell(text: str) -> None:
        run.on_event(Event(desired.project, text))

    for operation, step in interrupted_steps(run.directory).items():
        tell(f"the last `up` was cut off in `{operation}` before `{step}`; going on from there")
    observed = observe(engine, desired.project, desired)
    plan = reconcile(desired, observed, read_state(run.directory))
    if plan.changes:
        preflight(engine, desired, observed, plan)
        for text in warnings(desired, engine):
            tell(text)
    run.interrupt.check()
    run.apply(engine, plan, desired.project)
    _remember(engine, desired, run.directory)
    return plan


def _remember(engine: Engine, desired: Desired, directory: Path) -> None:
    """Every container has loaded what is on disk, and was seen ready."""
    listed = engine.containers(f"{COMPOSE_PROJECT}={desired.project}")
    ids = {name.lstrip("/"): one["Id"] for one in listed for name in one["Names"]}
    loaded = {
        name: Loaded(ids[service.container], dict(service.hot.digests))
        for name, service in desired.services.items()
        if service.container in ids
    }
    write_state(directory, State(loaded))
