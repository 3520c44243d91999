"""What the Engine can be asked for without changing anything."""

import json
from abc import ABC, abstractmethod
from typing import Any, Final
from urllib.parse import quote, urlencode

from obsctl.engine.connection.failures import EngineRefusal

Json = dict[str, Any]
_NOT_FOUND: Final = 404


class Reads(ABC):
    """GET requests in the Engine's own terms; how they travel is for others to say."""

    @abstractmethod
    def _read(self, path: str, doing: str) -> Any:  # noqa: ANN401 - the shape is the Engine's
        """The JSON answer; `doing` completes "cannot ..." in an error."""

    def version(self) -> Json:
        """The Engine's own version, and the platform that it runs on."""
        return dict(self._read("/version", "report the Engine's version"))

    def info(self) -> Json:
        """The host's memory, storage driver and the like."""
        return dict(self._read("/info", "report on the Engine's host"))

    def containers(self, *labels: str) -> list[Json]:
        """The short form of all containers, running or not; with `labels`, those that carry all."""
        query: dict[str, object] = {"all": 1}
        if labels:
            query["filters"] = json.dumps({"label": labels})
        return list(self._read(f"/containers/json?{urlencode(query)}", "list containers"))

    def container(self, name: str) -> Json | None:
        """All there is to know of one container; None when it does not exist."""
        return self._read_or_none(f"/containers/{quote(name)}/json", f"inspect container `{name}`")

    def networks(self) -> list[Json]:
        """Every network of the Engine."""
        return list(self._read("/networks", "list networks"))

    def volumes(self) -> list[Json]:
        """Every volume of the Engine."""
        return list(self._read("/volumes", "list volumes")["Volumes"] or ())

    def image(self, reference: str) -> Json | None:
        """A local image; None when it is not here."""
        return self._read_or_none(
            f"/images/{quote(reference, safe=':/@')}/json", f"inspect image `{reference}`"
        )

    def _read_or_none(self, path: str, doing: str) -> Json | None:
        try:
            return dict(self._read(path, doing))
        except EngineRefusal as refusal:
            if refusal.status == _NOT_FOUND:
                return None
            raise
