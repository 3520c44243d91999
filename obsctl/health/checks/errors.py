"""Error tracking: the tracker works, and every service has the DSN of its own project."""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlencode

from obsctl.engine.error_projects import dsn_for
from obsctl.health.context import Context
from obsctl.health.error_trackers import BUGSINK, projects, send, tracking
from obsctl.health.probe import ProbeError, Request
from obsctl.health.report import Finding
from obsctl.health.run import Check
from obsctl.project.dsn import parse_dsn

_FOUND: Final = 302
_ADMIN_PASSWORD: Final = "bugsink_admin_password"  # noqa: S105 - the name of a secret
_LOGIN: Final = "/accounts/login/"
_FIELD: Final = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
_COOKIE: Final = re.compile(r"\b(csrftoken|sessionid)=([^;,\s]+)")


def login(context: Context) -> Iterator[Finding]:
    """The password under secrets/ opens the page of a person, and the session is ended again."""
    errors = tracking(context, BUGSINK)
    if errors is None:
        return
    claim = context.claim("readiness", BUGSINK, "accepts the admin password of secrets/")
    page = context.ask(BUGSINK, Request(_LOGIN), login=False)
    token = _FIELD.search(page.text)
    if token is None:
        raise ProbeError("wrong-answer", f"{page.url}: no login form", url=page.url)
    cookies = dict(_COOKIE.findall(page.headers.get("set-cookie", "")))
    form = {"username": errors.admin, "password": context.secret(_ADMIN_PASSWORD)}
    answer = context.ask(BUGSINK, _form(_LOGIN, form, token[1], cookies), login=False)
    if answer.status != _FOUND:
        yield claim.fail("bugsink-password", f"HTTP {answer.status}", secret=_ADMIN_PASSWORD)
        return
    # Django gives a new token with a new session.
    cookies |= dict(_COOKIE.findall(answer.headers.get("set-cookie", "")))
    leave = _form("/accounts/logout/", {}, cookies.get("csrftoken", ""), cookies)
    context.ask(BUGSINK, leave, login=False)
    yield claim.ok(f"signed in as {errors.admin}")


def _form(path: str, fields: dict[str, str], token: str, cookies: dict[str, str]) -> Request:
    body = urlencode({**fields, "csrfmiddlewaretoken": token}).encode()
    jar = "; ".join(f"{name}={value}" for name, value in cookies.items())
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": jar}
    return Request(path, "POST", body, headers)


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
