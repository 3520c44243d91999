"""A rotation, step by step; each step finds in secrets/ what the one before has left.

An account is changed in its component, proven, and only then is the file replaced. Any other
value takes its file's place first, those who use it are restarted, it is proven there, and only
then is the old one dropped; what cannot be proven is put back. A key that a component encrypts its
own data with is given to it beside the old one until all of that is encrypted anew.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from obsctl.engine.run.events import OnEvent
from obsctl.engine.run.patience import Patience
from obsctl.engine.up import Goal, bring_up
from obsctl.errors import EngineError, ObsctlError, Problem
from obsctl.health.asking.context import Context
from obsctl.project import secret_files
from obsctl.rotation.inventory import Secret, Way
from obsctl.rotation.logins import ACCOUNTS, Account
from obsctl.rotation.proof import proven

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Rotation:
    """What rotates the secrets of one project; `tell` is told of each step before it is done."""

    context: Context
    goal: Goal
    secrets: Mapping[str, Secret]
    tell: Tell
    on_event: OnEvent
    patience: Patience
    derive: Callable[[], object]  # brings the files that follow from secrets up to date

    def rotate(self, values: Mapping[str, bytes]) -> None:
        """Give each secret its value; ObsctlError where that fails, and the old one is in force."""
        for name in values:
            if name in ACCOUNTS:
                self._check_account(name)
        for name, value in values.items():
            self.tell(f"{name}: keeping the new value beside the old one")
            secret_files.stage(self.goal.root, name, value)
        self.finish()

    def finish(self) -> None:
        """Bring what is staged or unproven to its end."""
        self.promote()
        if secret_files.unproven(self.goal.root):
            self._apply()
        self.settle()

    def promote(self, *, patient: bool = False) -> bool:
        """Put what is staged in force; with `patient`, what cannot be yet stays staged.

        False where nothing was done.
        """
        done = False
        names = secret_files.pending(self.goal.root)
        # An account that cannot be changed now leaves all as it was.
        for name in sorted(names, key=lambda name: (name not in ACCOUNTS, name)):
            try:
                self._promote(name)
            except EngineError:
                if not patient:
                    raise
            else:
                done = True
        return done

    def _promote(self, name: str) -> None:
        root = self.goal.root
        account = ACCOUNTS.get(name)
        if name not in self.secrets:
            self.tell(f"{name}: no part of the stack any more; the new value is dropped")
            secret_files.drop(root, name)
            return
        if account is not None:
            self._change(name, account)
        self.tell(f"{name}: putting the new value in the place of the old one")
        secret_files.promote(root, name, keep=account is None)
        self.derive()

    def _change(self, name: str, account: Account) -> None:
        old, new = self._text(name), (secret_files.staged(self.goal.root, name) or b"").decode()
        login = account.login
        # Cut off after the change, its component knows the new one already.
        if not login.accepts(self.context, new):
            if old == new:  # a lost one was made anew
                self.tell(f"{name}: resetting it in {login.component}, by its own tool")
                old = account.reset(self.context, name)
            elif not login.accepts(self.context, old):
                raise account.stale(self.context, name)
            self.tell(f"{name}: changing it in {login.component}")
            account.change(self.context, old, new)
        self.tell(f"{name}: signing in with the old value and with the new one")
        self._raise_any(proven(self.context, self.secrets[name], old, new, 0.0))

    def settle(self) -> None:
        """Prove what is in force, then drop the old values; put back what cannot be proven."""
        since = time.time()
        problems = {
            name: self._against(name, since) for name in secret_files.unproven(self.goal.root)
        }
        for name in (one for one, found in problems.items() if not found):
            self.tell(f"{name}: the new value works; dropping the old one")
            if self._has_both(name):
                secret_files.retire(self.goal.root, name)
            else:
                secret_files.drop(self.goal.root, name)
        self._drop_retired()
        if any(problems.values()):
            notes = self._put_back()
            self._raise_any([*(one for found in problems.values() for one in found), *notes])

    def _drop_retired(self) -> None:
        """Take the old values from those who have them beside the new ones."""
        names = secret_files.retired(self.goal.root)
        if not names:
            return
        self.derive()
        self.tell("restarting what has an old value beside the new one")
        bring_up(self.goal, self.on_event, self.patience)
        for name in names:
            secret_files.drop_retired(self.goal.root, name)

    def _against(self, name: str, since: float) -> tuple[Problem, ...]:
        """What speaks against the value that is in force `since` (epoch seconds)."""
        if name not in self.secrets:
            return ()
        self.tell(f"{name}: proving the new value")
        old = (secret_files.previous(self.goal.root, name) or b"").decode()
        return tuple(proven(self.context, self.secrets[name], old, self._text(name), since))

    def _has_both(self, name: str) -> bool:
        """Whether the old value is delivered beside the new one, as long as it is kept."""
        return name in self.secrets and self.secrets[name].way is Way.KEY

    def _apply(self) -> None:
        """Restart whoever has an older file; on failure with the old values again."""
        # Cut off after a promotion, what follows from it may not be there.
        self.derive()
        self.tell("restarting what uses the new values")
        try:
            bring_up(self.goal, self.on_event, self.patience)
        except EngineError as error:
            raise EngineError(*error.problems, *self._put_back()) from error

    def _put_back(self) -> tuple[Problem, ...]:
        """Put the old values in force; what there is to say of it.

        Not where the component has both: it reads all that it has, whichever it was written with.
        """
        names = [one for one in secret_files.unproven(self.goal.root) if not self._has_both(one)]
        for name in names:
            self.tell(f"{name}: putting the old value back")
            secret_files.restore(self.goal.root, name)
        if not names:
            return ()
        self.derive()
        bring_up(self.goal, self.on_event, self.patience)
        told = ", ".join(f"`{name}`" for name in names)
        return (Problem(f"the old value of {told} is in force again, and those who use it run"),)

    def _check_account(self, name: str) -> None:
        account = ACCOUNTS[name]
        if not account.login.accepts(self.context, self._text(name)):
            raise account.stale(self.context, name)

    def _text(self, name: str) -> str:
        return (secret_files.read(self.goal.root, name) or b"").decode()

    def _raise_any(self, problems: Iterable[Problem]) -> None:
        if found := tuple(problems):
            raise ObsctlError(*found)
