"""Kibana's saved objects: encrypted with a former key, encrypted anew with the one in force."""

import time
from collections.abc import Iterator
from typing import Final

from obsctl.errors import Problem
from obsctl.health.asking.context import LOGINS, Context
from obsctl.health.asking.probe import Credentials, ProbeError, Request

_PATH: Final = "/api/encrypted_saved_objects/_rotate_key"
_OK: Final = 200
_UNDER_WAY: Final = 429
# Kibana goes on with what it has begun when nobody waits for its answer any more.
_LONG_S: Final = 600.0
# An object that somebody changed in that very moment is encrypted at a second attempt.
_SHORT_S: Final = 10.0
_PAUSE_S: Final = 0.5


def encrypted_anew(context: Context) -> Iterator[Problem]:
    """Have Kibana do it; a problem where a saved object may still need the former key."""
    started = time.monotonic()
    while True:
        evidence, patience_s = _attempt(context)
        if not evidence:
            return
        if time.monotonic() - started >= patience_s:
            break
        time.sleep(_PAUSE_S)
    words = "Kibana has not encrypted all of its saved objects with the new key"
    hint = "it has both keys, and nothing is lost; `obsctl up` tries again"
    yield Problem(f"{words}: {evidence}", hint=hint)


def _attempt(context: Context) -> tuple[str, float]:
    """What kept Kibana from it, "" for nothing; and for how long to ask again, in seconds.

    The answer counts the objects that had the former key: those `successful`, and those `failed`.
    """
    user, secret = LOGINS["kibana"]
    try:
        login = Credentials(user, context.secret(secret))
        request = Request(_PATH, "POST", headers={"kbn-xsrf": "true"}, credentials=login)
        answer = context.ask("kibana", request)
        if answer.status != _OK:
            return answer.excerpt, _LONG_S if answer.status == _UNDER_WAY else 0.0
        result = answer.json()
    except ProbeError as error:
        return error.evidence, _LONG_S if error.code == "no-answer" else 0.0
    failed = int(result.get("failed", 0))
    return (f"{failed} of {result.get('total')} failed" if failed else "", _SHORT_S)
