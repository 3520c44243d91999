"""Signing in with a password: which components can tell, and how an account changes its own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from obsctl.conventions import BUGSINK_PASSWORD, BUGSINK_TOKEN
from obsctl.engine.client import Engine
from obsctl.errors import EngineError, ObsctlError, Problem
from obsctl.health.asking.context import Context
from obsctl.health.asking.error_trackers import SIGNED_IN, sign_in, tracking
from obsctl.health.asking.probe import Answer, Credentials, ProbeError, Request
from obsctl.health.checks.elasticsearch import USERS
from obsctl.health.findings.causes import load_causes

_OK: Final = 200
_REFUSED: Final = (401, 403)
_RESET_S: Final = 120.0  # Elasticsearch's tool starts a Java machine of its own
_SHOWN: Final = 400


@dataclass(frozen=True, slots=True)
class Login:
    """Who signs in where; `path` answers 200 to whoever is signed in."""

    component: str
    user: str
    path: str

    def accepts(self, context: Context, password: str) -> bool:
        """Whether the component takes this password; EngineError where it does not answer."""
        request = Request(self.path, credentials=Credentials(self.user, password))
        answer = asked(context, self.component, request)
        if answer.status in _REFUSED:
            return False
        if answer.status != _OK:
            raise _unusable(self.component, f"{self.path}: {answer.excerpt}")
        return True


@dataclass(frozen=True, slots=True)
class Token:
    """What opens an API by itself; `path` answers 200 to whoever has it."""

    component: str
    user: str  # whose it is, in words
    path: str

    def accepts(self, context: Context, value: str) -> bool:
        """Whether the component takes this token; EngineError where it does not answer."""
        request = Request(self.path, headers={"Authorization": f"Bearer {value}"})
        answer = asked(context, self.component, request)
        if answer.status not in (_OK, *_REFUSED):
            raise _unusable(self.component, f"{self.path}: {answer.excerpt}")
        return answer.status == _OK


@dataclass(frozen=True, slots=True)
class Form:
    """The page on which a person signs in."""

    component: str
    user: str  # whose page it is, in words

    def accepts(self, context: Context, password: str) -> bool:
        """Whether the page lets its admin in; EngineError where there is no such page."""
        errors = tracking(context, self.component)
        try:
            status = sign_in(context, errors.admin if errors else "", password)
        except ProbeError as error:
            raise _unusable(self.component, error.evidence) from None
        return status == SIGNED_IN


@dataclass(frozen=True, slots=True)
class Account:
    """A login that changes its own password; `request` takes the old and the new one."""

    login: Login
    request: Callable[[str, str], Request]
    cause: str  # of causes.yaml, where neither file nor component is to be believed
    resetting: tuple[str, ...]  # a command; what it prints last is the password from then on
    by_hand: str  # what sets the one of a secret's file; of a container and a secret

    def change(self, context: Context, old: str, new: str) -> None:
        """Have the component change it; EngineError where it refuses."""
        login = Credentials(self.login.user, old)
        request = self.request(old, new)
        signed = Request(request.url, request.method, request.body, request.headers, login)
        answer = asked(context, self.login.component, signed)
        if answer.status != _OK:
            # What it says may quote what it was sent.
            raise _unusable(self.login.component, f"{request.url}: HTTP {answer.status}")

    def reset(self, context: Context, secret: str) -> str:
        """Have the component's own tool set some password, which is returned.

        EngineError with what the tool says where it fails.
        """
        container = f"{context.stack.project}-{self.login.component}-1"
        code, output = Engine.open().run(container, list(self.resetting), _RESET_S)
        words = output.decode("utf-8", "replace").split()
        if code or not words:
            told = " ".join(words)[-_SHOWN:] or f"exit code {code}"
            message = f"the password of {self.login.user} could not be reset in {container}: {told}"
            hint = (
                f"by hand: `docker exec {self.by_hand.format(container, secret)}; then `obsctl up`"
            )
            raise EngineError(Problem(message, hint=hint))
        return words[-1]

    def stale(self, context: Context, secret: str) -> ObsctlError:
        """Somebody has changed the password by other means."""
        project = context.stack.project
        values = {"user": self.login.user, "secret": secret, "project": project}
        title, fix = load_causes()[self.cause].filled(**values)
        return ObsctlError(Problem(f"{title}; nothing was changed", hint=fix))


def _elastic(_old: str, new: str) -> Request:
    return Request("/_security/user/elastic/_password", "POST", {"password": new})


def _grafana(old: str, new: str) -> Request:
    body = {"oldPassword": old, "newPassword": new, "confirmNew": new}
    return Request("/api/user/password", "PUT", body)


# What the container mounts may be a file from before; it is as good as any for a moment.
_RESET_GRAFANA: Final = """\
file=/run/secrets/grafana_admin_password
grafana cli admin reset-admin-password --password-from-stdin <$file >&2 && cat $file
"""
_RESET_ELASTIC: Final = """\
made=$(bin/elasticsearch-reset-password -u elastic -a -s -b 2>/tmp/reset.log) ||
  { cat /tmp/reset.log; exit 1; }
printf %s "$made"
"""
_AUTHENTICATE: Final = "/_security/_authenticate"
ACCOUNTS: Final[Mapping[str, Account]] = {
    "elastic_password": Account(
        Login("elasticsearch", "elastic", _AUTHENTICATE),
        _elastic,
        "elastic-password",
        # Settings are variables with dots in their names, which other shells drop.
        ("bash", "-c", _RESET_ELASTIC),
        "-it {} bin/elasticsearch-reset-password -u elastic -i`, and type what secrets/{} holds",
    ),
    "grafana_admin_password": Account(
        Login("grafana", "admin", "/api/user"),
        _grafana,
        "grafana-password",
        ("sh", "-c", _RESET_GRAFANA),
        "-i {} grafana cli admin reset-admin-password --password-from-stdin < secrets/{}`",
    ),
}
LOGINS: Final[Mapping[str, Login | Token | Form]] = {
    BUGSINK_PASSWORD: Form("bugsink", "its admin"),
    BUGSINK_TOKEN: Token("bugsink", "the API of obsctl", "/api/canonical/0/teams/"),
    **{name: account.login for name, account in ACCOUNTS.items()},
    **{secret: Login("elasticsearch", user, _AUTHENTICATE) for secret, user in USERS.items()},
}


def logins(context: Context, secret: str) -> tuple[Login | Token | Form, ...]:
    """Everywhere that this machine can sign in with a secret."""
    web = context.stack.web
    if web is None or secret != web.secret:
        return (LOGINS[secret],) if secret in LOGINS else ()
    return tuple(
        Login(one.name, web.user, "/-/ready")
        for one in context.stack.services
        if one.access == web and one.ports
    )


def asked(context: Context, component: str, request: Request) -> Answer:
    """The answer of a component; EngineError in plain words where there is none."""
    try:
        return context.ask(component, request, login=False)
    except ProbeError as error:
        raise _unusable(component, error.evidence) from None


def _unusable(component: str, evidence: str) -> EngineError:
    hint = "`obsctl check` tells why; run this again once it works, nothing is lost"
    return EngineError(Problem(f"{component} cannot be asked: {evidence}", hint=hint))
