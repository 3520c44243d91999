"""An error event of each service's own DSN is accepted; in the stack's Bugsink it is found."""

import secrets
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from obsctl.health.asking.again import attempts
from obsctl.health.asking.context import Context
from obsctl.health.asking.error_trackers import BUGSINK, api, refusal, send
from obsctl.health.asking.probe import ProbeError
from obsctl.health.asking.run import Check
from obsctl.health.canaries.sentry import MESSAGE, envelope
from obsctl.health.findings.claim import Claim
from obsctl.health.findings.report import Finding
from obsctl.project.dsn import Dsn, parse_dsn
from obsctl.stack.error_model import ErrorProject, ErrorTracking

_CHECK_S: Final = 30.0
_OK: Final = 200


def errors_arrive(context: Context) -> Iterator[Finding]:
    """One event per DSN; services that share one are tried once."""
    tracking = context.stack.errors
    for project in _distinct(tracking):
        subject = tracking.tracker if tracking else ""
        claim = context.claim("canaries", subject, f"an error of {project.service} is accepted")
        try:
            yield _sent(context, claim, project)
        except ProbeError as error:
            told = replace(claim, values={**claim.values, "component": subject, **error.values})
            yield told.fail(error.code, error.evidence)


def _distinct(tracking: ErrorTracking | None) -> Iterator[ErrorProject]:
    projects = tracking.projects if tracking else ()
    yield from {project.secret: project for project in reversed(projects)}.values()


def _sent(context: Context, claim: Claim, project: ErrorProject) -> Finding:
    dsn = parse_dsn(context.secret(project.secret))
    if dsn is None:
        told = f"secrets/{project.secret} holds no DSN"
        return claim.fail("dsn-wrong", told, secret=project.secret)
    in_stack = claim.subject == BUGSINK
    dsn = replace(dsn, origin=context.address(BUGSINK)) if in_stack else dsn.from_here
    mark = secrets.token_hex(16)
    tags = {"service": project.service, "environment": context.stack.environment}
    before = _counted(context, dsn) if in_stack else 0
    started = time.monotonic()
    answer = send(context, envelope(dsn, mark, tags, datetime.now(UTC)), project.secret)
    if answer.status != _OK:
        values = {"tracker": claim.subject, "status": answer.status, "secret": project.secret}
        told = answer.excerpt.replace(dsn.key, "KEY")
        return claim.fail(refusal(answer.status), told, **values)
    accepted_s = time.monotonic() - started
    told = f"event {mark} accepted after {accepted_s:.2f} s"
    if not in_stack:
        return claim.ok(told)
    if not _digested(context, dsn, before):
        return claim.fail("error-lost", f"{told}, and not counted after that")
    counted_s = time.monotonic() - started
    return claim.ok(f"{told}, counted after {counted_s:.2f} s{_muted(context, dsn)}")


def _digested(context: Context, dsn: Dsn, before: int) -> bool:
    """Whether the worker behind the web process has taken one more event."""
    return any(_counted(context, dsn) > before for _ in attempts(context))


def _counted(context: Context, dsn: Dsn) -> int:
    return int(api(context, f"/projects/{dsn.project}/")["digested_event_count"])


def _muted(context: Context, dsn: Dsn) -> str:
    """Keep the issue of all canaries from the open ones; what there is to tell of that.

    A deleted issue would be a new one the next time, which Bugsink tells people of.
    """
    try:
        path = f"/issues/?project={dsn.project}&sort=last_seen&order=desc"
        for issue in api(context, path)["results"]:
            if issue["calculated_value"] == MESSAGE and not issue["is_muted"]:
                api(context, f"/issues/{issue['id']}/mute/", "POST")
    except ProbeError as error:
        return f"; its issue stays open: {error.evidence}"
    return ""


ERROR_CHECKS: Final = (
    Check("canaries", "errors", "errors are accepted", errors_arrive, (), _CHECK_S),
)
