"""Bugsink's own API: its teams, and their projects with the DSN of each."""

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from obsctl.conventions import BUGSINK_TOKEN, SECRETS_DIRECTORY
from obsctl.engine.components.reach import Endpoint
from obsctl.errors import EngineError, Problem

_TIMEOUT_S: Final = 10.0
_REFUSED: Final = (401, 403)
_OK: Final = range(200, 300)
_API: Final = "/api/canonical/0"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Bugsink:
    """One running Bugsink; EngineError where it does not answer, or refuses."""

    container: str
    endpoint: Endpoint
    token: str = field(repr=False)

    def team(self, name: str) -> str | None:
        """The id of a team; None where there is none of that name."""
        return next((str(t["id"]) for t in self._all("/teams/") if t["name"] == name), None)

    def add_team(self, name: str) -> str:
        return str(self._ask("POST", f"{_API}/teams/", {"name": name})["id"])

    def projects(self, team: str) -> dict[str, Json]:
        """The projects of a team by name: `id`, `dsn`, `retention_max_event_count` and more."""
        return {str(one["name"]): one for one in self._all(f"/projects/?team={team}")}

    def add_project(self, team: str, name: str, events: int) -> None:
        body = {"team": team, "name": name, "retention_max_event_count": events}
        self._ask("POST", f"{_API}/projects/", body)

    def keep_events(self, project: int, events: int) -> None:
        """Set how many events of a project are kept."""
        self._ask("PATCH", f"{_API}/projects/{project}/", {"retention_max_event_count": events})

    def _all(self, path: str) -> Iterator[Json]:
        target: str | None = f"{_API}{path}"
        while target:
            page = self._ask("GET", target)
            yield from page["results"]
            following = urlsplit(page.get("next") or "")
            target = f"{following.path}?{following.query}" if following.query else None

    def _ask(self, method: str, target: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        connection = http.client.HTTPConnection(
            self.endpoint.host, self.endpoint.port, timeout=_TIMEOUT_S
        )
        try:
            data = None if body is None else json.dumps(body)
            connection.request(method, target, data, headers)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status in _OK:
                return json.loads(text)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._failed(str(error) or type(error).__name__) from None
        finally:
            connection.close()
        if answer.status in _REFUSED:
            raise self._refused()
        said = " ".join(text.decode("utf-8", "replace")[:200].split())
        raise self._failed(f"HTTP {answer.status} to {method} {target}: {said}")

    def _refused(self) -> EngineError:
        return EngineError(
            Problem(
                f"Bugsink does not accept the token in {SECRETS_DIRECTORY}/{BUGSINK_TOKEN}",
                hint=f"it reads that file when it starts: `docker restart {self.container}`",
            )
        )

    def _failed(self, words: str) -> EngineError:
        return EngineError(
            Problem(
                f"Bugsink's API cannot be used: {words}",
                hint="`obsctl logs bugsink` shows what it says; then run `obsctl up` again",
            )
        )
