"""Error tracking: the tracker works, and every service has the DSN of its own project."""

from collections.abc import Iterator
from typing import Final

from obsctl.conventions import BUGSINK_PASSWORD
from obsctl.engine.components.error_projects import dsn_for
from obsctl.health.asking.context import Context
from obsctl.health.asking.error_trackers import (
    BUGSINK,
    SIGNED_IN,
    projects,
    send,
    sign_in,
    tracking,
)
from obsctl.health.asking.probe import ProbeError, Request
from obsctl.health.asking.run import Check
from obsctl.health.findings.report import Finding
from obsctl.project.dsn import parse_dsn


def login(context: Context) -> Iterator[Finding]:
    """The password under secrets/ opens the page of a person, and the session is ended again."""
    errors = tracking(context, BUGSINK)
    if errors is None:
        return
    claim = context.claim("readiness", BUGSINK, "accepts the admin password of secrets/")
    status = sign_in(context, errors.admin, context.secret(BUGSINK_PASSWORD))
    if status != SIGNED_IN:
        yield claim.fail("bugsink-password", f"HTTP {status}", secret=BUGSINK_PASSWORD)
        return
    yield claim.ok(f"signed in as {errors.admin}")


def dsns(context: Context) -> Iterator[Finding]:
    """Each service's file holds the DSN that Bugsink gives its project."""
    errors = tracking(context, BUGSINK)
    if errors is None:
        return
    found = projects(context, errors)
    for one in errors.projects:
        claim = context.claim("configuration", BUGSINK, f"has the project of {one.service}")
        project = found.get(one.service)
        if project is None:
            yield claim.fail("bugsink-project", f"team {errors.team}: none", service=one.service)
            continue
        try:
            same = context.secret(one.secret) == dsn_for(str(project["dsn"]), one.origin)
        except ProbeError as error:
            yield claim.fail("dsn-differs", error.evidence, secret=one.secret)
            continue
        if not same:
            told = f"secrets/{one.secret} is not the DSN of project {project['id']}"
            yield claim.fail("dsn-differs", told, secret=one.secret)
        else:
            count = project["digested_event_count"]
            yield claim.ok(f"project {project['id']}, {count} events; DSN in secrets/{one.secret}")


def sentry(context: Context) -> Iterator[Finding]:
    """The DSN has its form and its host answers; whether it is taken, only an envelope tells."""
    errors = tracking(context, "sentry")
    for secret in sorted({one.secret for one in errors.projects} if errors else ()):
        claim = context.claim("readiness", "sentry", f"the host of secrets/{secret} answers")
        dsn = parse_dsn(context.secret(secret))
        if dsn is None:
            yield claim.fail("dsn-wrong", f"secrets/{secret} holds no DSN", secret=secret)
            continue
        answer = send(context, Request(f"{dsn.from_here.origin}/"), secret)
        yield claim.ok(f"HTTP {answer.status} in {answer.seconds * 1000:.0f} ms")


CHECKS: Final = (
    Check("readiness", BUGSINK, "accepts our login", login, (BUGSINK,)),
    Check("readiness", "sentry", "answers", sentry),
    Check("configuration", BUGSINK, "has the projects", dsns, (BUGSINK,)),
)
