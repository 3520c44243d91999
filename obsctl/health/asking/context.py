"""What every check may ask: the model, the rendered files, the components and the containers."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any, Final
from urllib.parse import urlsplit

import yaml

from obsctl.conventions import COMPOSE_FILE, LABEL_ACCESS, PORTS
from obsctl.engine.components.access import Access
from obsctl.errors import EngineError
from obsctl.health.asking.container_state import ContainerSource, ContainerState
from obsctl.health.asking.once import Once
from obsctl.health.asking.probe import Answer, Credentials, ProbeError, Request, query_request, send
from obsctl.health.findings.claim import Claim
from obsctl.health.findings.report import Layer
from obsctl.project.plain_yaml import load_plain
from obsctl.stack.model import Stack

OUT_OF_TIME: Final = "out-of-time"
REQUEST_S: Final = 5.0
"""One request; a check has more, for it may need several."""

# Who logs in where, and the secret that holds the password.
LOGINS: Final[Mapping[str, tuple[str, str]]] = {
    "grafana": ("admin", "grafana_admin_password"),
    "elasticsearch": ("elastic", "elastic_password"),
    "kibana": ("elastic", "elastic_password"),
}
_ANY_ADDRESS: Final = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - not bound, asked
_REFUSED: Final = {
    "grafana": "grafana-password",
    "prometheus": "web-password",
    "alertmanager": "web-password",
}
_UNAUTHORIZED: Final = 401
# A container in one of these states answers nothing: whoever asks it waits, or meets a stranger.
_OFF: Final = frozenset({"created", "exited", "dead", "removing", "paused"})


@dataclass(frozen=True, slots=True)
class Context:
    """One run of the checks; `deadline` is on the monotonic clock and belongs to one check.

    `stop` ends what takes its time, before its deadline.
    """

    stack: Stack
    files: Mapping[str, str]  # path below stack/ -> rendered text
    root: Path
    stack_directory: Path
    secrets_directory: Path
    containers: ContainerSource
    targets: Mapping[str, str] = field(default_factory=dict)  # component -> URL, by the user
    deadline: float = float("inf")
    once: Once = field(default_factory=Once)
    stop: Event = field(default_factory=Event)

    def is_over(self, reserve_s: float = 0.0) -> bool:
        """Whether no time is left to this check, but for so many seconds."""
        return self.stop.is_set() or time.monotonic() + reserve_s > self.deadline

    def within(self, seconds: float) -> "Context":
        """The same run, with the deadline of one check."""
        return replace(self, deadline=time.monotonic() + seconds)

    def has(self, component: str) -> bool:
        """Whether the component is part of this stack."""
        return component in self.targets or component in self.services

    def serves(self, component: str) -> bool:
        """Whether what answers in its place can be the component; true where nobody knows.

        Without its container, somebody else's program may listen on its port.
        """
        if component in self.targets or component not in self.services:
            return True
        try:
            states = self.container_states()
        except EngineError:
            return True
        return any(one.service == component and one.status not in _OFF for one in states)

    def container_states(self) -> tuple[ContainerState, ...]:
        """All containers of the project, listed once per run; raises EngineError."""
        states: tuple[ContainerState, ...] = self.once.get("containers", self.containers)
        return states

    @property
    def services(self) -> Mapping[str, Mapping[str, Any]]:
        """The services of the rendered compose file."""
        services: Mapping[str, Mapping[str, Any]] = self.rendered(COMPOSE_FILE).get("services", {})
        return services

    def written(self, service: str) -> Mapping[str, Any]:
        """The definition of a service as it lies in stack/: what its container was made from."""
        services: Mapping[str, Mapping[str, Any]] = self.on_disk(COMPOSE_FILE).get("services") or {}
        return services.get(service) or self.services.get(service, {})

    def rendered(self, path: str) -> Any:  # noqa: ANN401 - any YAML document
        """A rendered YAML or JSON file as obsctl.yaml wants it, parsed."""
        return self.once.get(("rendered", path), lambda: _parsed(self.files.get(path, "")))

    def on_disk(self, path: str) -> Any:  # noqa: ANN401 - any YAML document
        """The same file as it lies in stack/, which is what the processes read."""
        return self.once.get(("disk", path), lambda: _parsed(self.text_on_disk(path)))

    def text_on_disk(self, path: str) -> str:
        """A file of stack/ as it lies there."""
        try:
            return (self.stack_directory / path).read_bytes().decode()
        except (OSError, UnicodeDecodeError):
            # A missing or unreadable file is reported once, as drift from obsctl.yaml.
            return self.files.get(path, "")

    def claim(self, layer: Layer, subject: str, text: str) -> Claim:
        project = self.stack.project
        return Claim(
            layer, subject, text, {"project": project, "container": f"{project}-{subject}-1"}
        )

    def address(self, component: str) -> str:
        """Where this machine reaches the component; ProbeError when it is not published."""
        if component in self.targets:
            return self.targets[component].rstrip("/")
        host, port = self.published(component, PORTS.get(component, 0))
        scheme = self.access(component).scheme
        return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"

    def access(self, component: str) -> Access:
        """How the component is asked, as the compose file says."""
        labels = self.services.get(component, {}).get("labels") or {}
        return Access.of(component, str(labels.get(LABEL_ACCESS, "")), self.secrets_directory)

    def published(self, component: str, container_port: int) -> tuple[str, int]:
        """Host and port on this machine of a container's port; ProbeError when there is none."""
        for port in self.services.get(component, {}).get("ports") or ():
            if port.get("target") == container_port:
                host = str(port.get("host_ip", ""))
                return _ANY_ADDRESS.get(host, host), int(port["published"])
        raise ProbeError("not-published", f"{component}: no port published", component=component)

    def credentials(self, component: str) -> Credentials | None:
        """The login of a component; ProbeError when the secret cannot be read."""
        user, secret = self._login(component)
        if not secret or self._brings_login(component):
            return None
        return Credentials(user, self.secret(secret))

    def _brings_login(self, component: str) -> bool:
        """Whether the user has given a login with the component's URL."""
        return urlsplit(self.targets.get(component, "")).username is not None

    def _login(self, component: str) -> tuple[str, str]:
        access = self.access(component)
        return LOGINS.get(component) or (access.user, access.secret)

    def secret(self, name: str) -> str:
        path = self.secrets_directory / name
        try:
            return path.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not UTF-8"
            raise ProbeError("secret-missing", f"{path}: {reason}", secret=name) from None

    def get(self, component: str, path: str, *, login: bool = True) -> Answer:
        """GET once per run; a refused password is a ProbeError that names the secret."""
        return self._once(component, path, lambda: self.ask(component, Request(path), login=login))

    def query(self, expr: str) -> list[dict[str, Any]]:
        """Instant query; the vector, or the series of a range selector, as Prometheus answers."""
        ask = partial(self.ask, "prometheus", query_request(expr))
        answer = self._once("prometheus", f"? {expr}", ask)
        data = answer.json()
        if data.get("status") != "success":
            raise ProbeError("query-failed", f"{expr}: {data.get('error')}")
        result = data["data"]["result"]
        is_list = data["data"]["resultType"] in {"vector", "matrix"}
        return result if is_list else [{"metric": {}, "value": result}]

    def data(self, path: str) -> Any:  # noqa: ANN401 - as the API says
        """`data` of a GET on Prometheus's API."""
        answer = self.get("prometheus", path)
        document = answer.json()
        if not isinstance(document, dict) or document.get("status") != "success":
            raise ProbeError("wrong-answer", answer.excerpt, url=answer.url)
        return document["data"]

    def _once(self, component: str, key: str, make: Callable[[], Answer]) -> Answer:
        answer: Answer = self.once.get((component, key), make)
        return answer

    def ask(self, component: str, request: Request, *, login: bool = True) -> Answer:
        """One request to a component, not remembered; its `url` is a path there."""
        credentials = self.credentials(component) if login else None
        url = self.address(component) + request.url
        trust = None if component in self.targets else self.access(component)
        given = request.credentials or credentials
        answer = self.send(replace(request, url=url, credentials=given, trust=trust))
        if answer.status == _UNAUTHORIZED and login and request.credentials is None:
            raise self._refused(component, answer)
        return answer

    def send(self, request: Request) -> Answer:
        """Any request; ProbeError where the time of this check is over.

        One that is begun has all of its time: cut short, it would tell of a component that hangs.
        """
        if time.monotonic() > self.deadline:
            raise ProbeError(OUT_OF_TIME, "what was asked was answered; there is more to ask")
        return send(request, REQUEST_S)

    def _refused(self, component: str, answer: Answer) -> ProbeError:
        user, secret = self._login(component)
        code = _REFUSED.get(component, "elastic-password")
        if not secret or self._brings_login(component):
            code = "login-asked"
        values = {
            "user": user,
            "secret": secret,
            "project": self.stack.project,
            "component": component,
        }
        return ProbeError(code, f"{answer.url}: {answer.excerpt}", **values)


def _parsed(text: str) -> Any:  # noqa: ANN401 - any YAML document
    try:
        return load_plain(text) or {}
    except yaml.YAMLError:
        return {}  # a file that was broken by hand is drift, and reported as that
