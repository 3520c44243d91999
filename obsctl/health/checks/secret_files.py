"""The files under secrets/: usable, loaded by those who use them, and unknown to git."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from obsctl.conventions import ACCOUNTS, SECRETS_DIRECTORY
from obsctl.errors import EngineError
from obsctl.health.asking.context import Context
from obsctl.health.findings.report import Finding
from obsctl.project.derived import is_derived, is_looked_at_again
from obsctl.project.secret_checks import check

_GIT_S: Final = 10
_SUBJECT: Final = f"{SECRETS_DIRECTORY}/"


def usable(context: Context) -> Iterator[Finding]:
    """Closed to other users, whole, and no password that everybody knows."""
    names = [name for name in context.stack.secrets if not is_derived(name)]
    claim = context.claim("configuration", _SUBJECT, "holds usable values, closed to others")
    problems = check(context.root, names, lambda _: "run `obsctl up`")
    for problem in problems:
        yield claim.fail("secret-unusable", problem.message, hint=problem.hint or "obsctl up")
    if names and not problems:
        yield claim.ok(f"{len(names)} secrets")


def loaded(context: Context) -> Iterator[Finding]:
    """A container keeps the file that it was started with, whatever takes its name."""
    try:
        started = {one.service: one.started_at for one in context.container_states()}
    except EngineError:
        return  # told by the check of the containers
    for service in context.stack.services:
        names = [
            one for one in service.secrets if one not in ACCOUNTS and not is_looked_at_again(one)
        ]
        moment = started.get(service.name, 0.0)
        # Known to the second it began in.
        late = [name for name in names if moment and _changed_at(context, name) >= moment + 1]
        if late:
            claim = context.claim("configuration", service.name, "has the secrets of secrets/")
            evidence = f"{', '.join(late)} changed after it was started"
            yield claim.fail("secret-outdated", evidence, secret=", ".join(late))


def certificates(context: Context) -> Iterator[Finding]:
    """The stack's own certificates, which `obsctl up` renews in time."""
    from obsctl.project.certificates import RENEW_BEFORE, ends

    for name in context.stack.secrets:
        if not name.endswith(".crt"):
            continue
        claim = context.claim("configuration", _SUBJECT, f"{name} is valid for long")
        try:
            moment = ends((context.secrets_directory / name).read_bytes())
        except (OSError, ValueError):
            yield claim.fail("secret-unusable", f"{name} is no certificate", hint="obsctl up")
            continue
        left, told = moment - datetime.now(UTC), f"ends {moment:%Y-%m-%d}"
        if left < RENEW_BEFORE:
            yield claim.fail("certificate-old", told, file=name)
        else:
            yield claim.ok(told)


def untracked(context: Context) -> Iterator[Finding]:
    """Git neither has a secret, or a file that one comes from, nor would take it with `git add`."""
    claim = context.claim("configuration", _SUBJECT, "is unknown to git")
    if shutil.which("git") is None:
        yield claim.not_applicable("there is no git")
        return
    top = _git(context, "rev-parse", "--show-toplevel")
    if top.returncode:
        yield claim.not_applicable(_why_not(top.stderr))
        return
    sources = _sources(context, Path(top.stdout.removesuffix("\n")))
    paths = [f"{SECRETS_DIRECTORY}/{name}" for name in context.stack.secrets] + sources
    listed = _git(context, "ls-files", "-z", "--cached", "--", SECRETS_DIRECTORY, *sources)
    own = f"{SECRETS_DIRECTORY}/.gitignore"
    tracked = [name for name in listed.stdout.split("\0") if name and name != own]
    for path in tracked:
        yield claim.fail("secret-tracked", f"git tracks {path}", path=path)
    asked = "\0".join(paths)
    ignored = _git(context, "check-ignore", "--no-index", "-z", "--stdin", given=asked).stdout
    exposed = sorted(set(paths) - set(ignored.split("\0")))
    if taken := [path for path in exposed if path not in sources]:
        yield claim.fail("secret-not-ignored", f"git would take {', '.join(taken)}")
    for path in (path for path in exposed if path in sources):
        words = f"git would take {path}, which a secret comes from"
        yield claim.fail("secret-source-not-ignored", words, path=path)
    if not (exposed or tracked):
        yield claim.ok("ignored, and not in the index")


def _sources(context: Context, top: Path) -> list[str]:
    """The files that secrets come from, as paths from the project, where the repository has them.

    Of a link, git has only where it leads to.
    """
    root = context.root.resolve()
    found = (root / name for name in context.stack.secret_files)
    inside = (path.resolve() for path in found if path.resolve().is_relative_to(top))
    return sorted({os.path.relpath(path, root) for path in inside})


def _why_not(told: str) -> str:
    if "not a git repository" in told:
        return "the project is in no git repository"
    # It does not look into what belongs to another user.
    words = told.partition("\n")[0].removeprefix("fatal: ")
    return f"git cannot be asked: {words or 'no answer'}"


def _git(context: Context, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
    command = ["git", "-C", str(context.root), *words]
    try:
        return subprocess.run(
            command,
            input=given,
            capture_output=True,
            text=True,
            timeout=_GIT_S,
            check=False,
            errors="replace",
            env={**os.environ, "LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return subprocess.CompletedProcess(command, 1, "", "")


def _changed_at(context: Context, name: str) -> float:
    try:
        return (context.secrets_directory / name).lstat().st_ctime
    except OSError:
        return 0.0
