"""What checks ask of those who collect errors: Bugsink's API, and any tracker's answers."""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from obsctl.conventions import BUGSINK_TOKEN
from obsctl.health.asking.context import Context
from obsctl.health.asking.probe import Answer, ProbeError, Request
from obsctl.stack.error_model import ErrorTracking

BUGSINK: Final = "bugsink"
_API: Final = "/api/canonical/0"
_OK: Final = range(200, 300)
_REFUSED: Final = (401, 403)
SIGNED_IN: Final = 302
"""What a person's login is answered with: the way to the first page."""
_LOGIN: Final = "/accounts/login/"
_FIELD: Final = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
_COOKIE: Final = re.compile(r"\b(csrftoken|sessionid)=([^;,\s]+)")


def tracking(context: Context, tracker: str) -> ErrorTracking | None:
    """Error tracking of the stack where it is by `tracker`."""
    errors = context.stack.errors
    return errors if errors and errors.tracker == tracker else None


def api(context: Context, path: str, method: str = "GET") -> Any:  # noqa: ANN401 - as the API says
    """The JSON of an answer of Bugsink's API; ProbeError where it refuses."""
    headers = {"Authorization": f"Bearer {context.secret(BUGSINK_TOKEN)}"}
    request = Request(f"{_API}{path}", method, headers=headers)
    answer = context.ask(BUGSINK, request, login=False)
    if answer.status in _REFUSED:
        raise ProbeError("bugsink-token", f"{path}: {answer.excerpt}", secret=BUGSINK_TOKEN)
    if answer.status not in _OK:
        raise ProbeError("unexpected-status", f"{path}: {answer.excerpt}", component=BUGSINK)
    return answer.json()


def sign_in(context: Context, user: str, password: str) -> int:
    """The HTTP status of signing in as a person does: SIGNED_IN, and the session is ended again."""
    page = context.ask(BUGSINK, Request(_LOGIN), login=False)
    token = _FIELD.search(page.text)
    if token is None:
        raise ProbeError("wrong-answer", f"{page.url}: no login form", url=page.url)
    cookies = dict(_COOKIE.findall(page.headers.get("set-cookie", "")))
    fields = {"username": user, "password": password}
    answer = context.ask(BUGSINK, _form(_LOGIN, fields, token[1], cookies), login=False)
    if answer.status == SIGNED_IN:
        # Django gives a new token with a new session.
        cookies |= dict(_COOKIE.findall(answer.headers.get("set-cookie", "")))
        leave = _form("/accounts/logout/", {}, cookies.get("csrftoken", ""), cookies)
        context.ask(BUGSINK, leave, login=False)
    return answer.status


def _form(path: str, fields: Mapping[str, str], token: str, cookies: Mapping[str, str]) -> Request:
    body = urlencode({**fields, "csrfmiddlewaretoken": token}).encode()
    jar = "; ".join(f"{name}={value}" for name, value in cookies.items())
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": jar}
    return Request(path, "POST", body, headers)


def projects(context: Context, errors: ErrorTracking) -> dict[str, Mapping[str, Any]]:
    """Bugsink's projects of the stack's team, by name."""
    teams = api(context, "/teams/")["results"]
    team = next((one["id"] for one in teams if one["name"] == errors.team), None)
    found = api(context, f"/projects/?team={team}")["results"] if team else ()
    return {str(one["name"]): one for one in found}


def send(context: Context, request: Request, secret: str) -> Answer:
    """One request to a tracker; what the network throws is told as the tracker's."""
    try:
        return context.send(request)
    except ProbeError as error:
        values = {"host": urlsplit(request.url).hostname, "secret": secret}
        raise ProbeError("tracker-unreachable", error.evidence, **values) from None


def refusal(status: int) -> str:
    """The cause of a tracker's answer to an envelope that it did not take."""
    known: Mapping[int, str] = {
        401: "dsn-refused",
        403: "dsn-refused",
        404: "dsn-no-project",
        429: "errors-rate-limited",
    }
    return known.get(status, "error-refused")
