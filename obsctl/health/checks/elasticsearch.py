"""Elasticsearch: the cluster works, every login holds, and retention is applied."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from obsctl.engine.compare import first_difference
from obsctl.health.context import Context
from obsctl.health.probe import Credentials, Request
from obsctl.health.report import Finding

_OK: Final = 200
_NOT_FOUND: Final = 404
_UNAUTHORIZED: Final = 401
# Users that elasticsearch-setup makes, by the secret with their password.
USERS: Final = {
    "kibana_system_password": "kibana_system",
    "logstash_writer_password": "logstash_writer",
    "es_exporter_password": "es_exporter",
    "grafana_reader_password": "grafana_reader",
}
_SECRETS: Final = {user: secret for secret, user in USERS.items()}
# What each has to be allowed for its component to work; kibana_system's role is built in.
_NEEDS: Final[Mapping[str, Mapping[str, Any]]] = {
    "logstash_writer": {
        "cluster": ["monitor"],
        "index": [{"names": ["logs-generic-default"], "privileges": ["create_doc"]}],
    },
    "grafana_reader": {
        "index": [{"names": ["logs-generic-default"], "privileges": ["read"]}],
    },
    "es_exporter": {"cluster": ["monitor"]},
}
_TEMPLATE: Final = "logs@custom"
_TEMPLATE_FILE: Final = "elasticsearch/setup/template_logs_custom.json"


def ready(context: Context) -> Iterator[Finding]:
    """_cluster/health with our login; yellow is normal on one node."""
    claim = context.claim("readiness", "elasticsearch", "its cluster works and accepts our login")
    answer = context.get("elasticsearch", "/_cluster/health")
    health = answer.json()
    status = health.get("status")
    shards = f"{health.get('active_shards')} shards active"
    if answer.status != _OK or status not in ("green", "yellow"):
        missing = health.get("unassigned_shards")
        evidence = f"{answer.excerpt}" if status is None else f"{status}: {missing} shards missing"
        yield claim.fail("cluster-red", evidence)
        return
    yield claim.ok(f"{status} in {answer.seconds * 1000:.0f} ms, {shards}")


def licence(context: Context) -> Iterator[Finding]:
    """The free one stays; a trial ends after 30 days, and Kibana does not start any more."""
    claim = context.claim("configuration", "elasticsearch", "its licence has no end")
    answer = context.get("elasticsearch", "/_license")
    found = answer.json()["license"]
    if found["type"] == "trial":
        yield claim.warn("licence-trial", f"trial until {found.get('expiry_date', 'not told')}")
        return
    yield claim.ok(found["type"])


def logins(context: Context) -> Iterator[Finding]:
    """Each user signs in with the password that its component is given."""
    for secret, user in USERS.items():
        if secret not in context.stack.secrets:
            continue
        claim = context.claim("configuration", "elasticsearch", f"accepts the login of {user}")
        login = Credentials(user, context.secret(secret))
        request = Request("/_security/_authenticate", credentials=login)
        answer = context.ask("elasticsearch", request)
        if answer.status == _UNAUTHORIZED:
            yield claim.fail("user-password", answer.excerpt, user=user, secret=secret)
        elif answer.status != _OK:
            yield claim.fail("unexpected-status", answer.excerpt, component="elasticsearch")
        else:
            yield _roles(context, user, answer.json())


def _roles(context: Context, user: str, account: Mapping[str, Any]) -> Finding:
    """A user whose role is gone signs in all the same, and may do nothing."""
    claim = context.claim("configuration", "elasticsearch", f"accepts the login of {user}")
    roles = account.get("roles") or []
    for role in roles:
        if context.get("elasticsearch", f"/_security/role/{role}").status == _NOT_FOUND:
            return claim.fail("role-missing", f"role {role} of {user}: not found", role=role)
    lacks, told = _lacks(context, user), f"signed in, roles {', '.join(roles)}"
    if lacks is None:
        return claim.ok(told)
    if lacks:
        evidence = f"{user} lacks {', '.join(lacks)}"
        return claim.fail("privileges-missing", evidence, user=user)
    return claim.ok(f"{told}, may do its work")


def _lacks(context: Context, user: str) -> list[str] | None:
    """The privileges that a user needs and has not; None where that cannot be told."""
    if user not in _NEEDS:
        return None
    login = Credentials(user, context.secret(_SECRETS[user]))
    path = "/_security/user/_has_privileges"
    request = Request(path, "POST", _NEEDS[user], credentials=login)
    answer = context.ask("elasticsearch", request)
    return list(_lacking(answer.json())) if answer.status == _OK else None


def _lacking(answer: Mapping[str, Any]) -> Iterator[str]:
    yield from (name for name, granted in answer.get("cluster", {}).items() if not granted)
    for index, privileges in answer.get("index", {}).items():
        yield from (f"{name} on {index}" for name, granted in privileges.items() if not granted)


def retention(context: Context) -> Iterator[Finding]:
    """The template for new data streams, and every data stream that is there already."""
    logging = context.stack.logging
    if logging is None:
        return
    yield _template(context, logging.retention)
    claim = context.claim("configuration", "elasticsearch", "retention holds for all data streams")
    answer = context.get("elasticsearch", "/_data_stream/logs-*-*")
    streams = answer.json().get("data_streams") or []
    kept = {stream["name"]: _retention_of(stream) for stream in streams}
    wrong = {name: days for name, days in kept.items() if days != logging.retention}
    if wrong:
        name, days = next(iter(wrong.items()))
        evidence = f"{name}: wanted {logging.retention}, has {days or 'none'}"
        yield claim.fail("retention-differs", evidence)
        return
    yield claim.ok(f"{logging.retention} on {len(kept)} data streams")


def _template(context: Context, retention: str) -> Finding:
    claim = context.claim("configuration", "elasticsearch", "has our template for log streams")
    answer = context.get("elasticsearch", f"/_component_template/{_TEMPLATE}")
    if answer.status == _NOT_FOUND:
        return claim.fail("template-missing", f"{_TEMPLATE}: not found")
    template = answer.json()["component_templates"][0]["component_template"]["template"]
    actual = (template.get("lifecycle") or {}).get("data_retention")
    if actual != retention:
        evidence = f"{_TEMPLATE}: wanted {retention}, has {actual or 'none'}"
        return claim.fail("retention-differs", evidence)
    wanted = context.on_disk(_TEMPLATE_FILE).get("template") or {}
    settings = dict(_flat(template.get("settings") or {}))
    if found := first_difference(dict(_flat(wanted.get("settings") or {})), settings, "settings"):
        return claim.fail("template-differs", f"{_TEMPLATE}: {found}")
    return claim.ok(f"{_TEMPLATE} keeps {retention}")


def _flat(settings: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """`index.number_of_replicas` -> `0`: in whichever form they were written and are told."""
    for key, value in settings.items():
        name = f"{above}{key}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{name}.")
        else:
            yield name, str(value).lower()


def _retention_of(stream: Mapping[str, Any]) -> str | None:
    retention: str | None = (stream.get("lifecycle") or {}).get("data_retention")
    return retention
