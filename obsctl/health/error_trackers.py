"""What checks ask of those who collect errors: Bugsink's API, and any tracker's answers."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from obsctl.health.context import Context
from obsctl.health.probe import Answer, ProbeError, Request
from obsctl.project.secrets import BUGSINK_TOKEN
from obsctl.stack.error_model import ErrorTracking

BUGSINK: Final = "bugsink"
_API: Final = "/api/canonical/0"
_OK: Final = range(200, 300)
_REFUSED: Final = (401, 403)


def tracking(context: Context, tracker: str) -> ErrorTracking | None:
    """Error tracking of the stack where it is by `tracker`."""
    errors = context.stack.errors
    return errors if errors and errors.tracker == tracker else None


def api(context: Context, path: str) -> Any:  # noqa: ANN401 - as the API says
    """The JSON of an answer of Bugsink's API; ProbeError where it refuses."""
    headers = {"Authorization": f"Bearer {context.secret(BUGSINK_TOKEN)}"}
    answer = context.ask(BUGSINK, Request(f"{_API}{path}", headers=headers), login=False)
    if answer.status in _REFUSED:
        raise ProbeError("bugsink-token", f"{path}: {answer.excerpt}", secret=BUGSINK_TOKEN)
    if answer.status not in _OK:
        raise ProbeError("unexpected-status", f"{path}: {answer.excerpt}", component=BUGSINK)
    return answer.json()


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
