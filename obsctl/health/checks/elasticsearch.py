"""Elasticsearch: the cluster works, every login holds, and retention is applied."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from obsctl.engine.components.compare import first_difference
from obsctl.health.asking.context import Context
from obsctl.health.asking.probe import Credentials, Request
from obsctl.health.findings.report import Finding

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
_RETENTION_FILE: Final = "elasticsearch/setup/retention.json"
_LIFECYCLE: Final = "Data stream lifecycle"


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
        told = f"trial until {found.get('expiry_date', 'not told')}"
        yield claim.warn("licence-trial", told, url=context.address("elasticsearch"))
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
    if context.stack.logging is None:
        return
    yield _template(context)
    claim = context.claim("configuration", "elasticsearch", "retention holds for all data streams")
    answer = context.get("elasticsearch", "/_data_stream/logs-*-*")
    streams = answer.json().get("data_streams") or []
    wanted = str(context.on_disk(_RETENTION_FILE).get("data_retention"))
    for stream in streams:
        kept = _kept(stream)
        if kept != wanted:
            evidence = f"{stream['name']}: stack/ has {wanted}, in force is {kept or 'none'}"
            yield claim.fail("retention-differs", evidence)
            return
        if unmanaged := _not_deleted(stream):
            yield claim.fail("retention-idle", f"{stream['name']}: {unmanaged}")
            return
    yield claim.ok(f"{wanted} on {len(streams)} data streams")


def _template(context: Context) -> Finding:
    """Settings, mappings and lifecycle of the template, each as it is in stack/."""
    claim = context.claim("configuration", "elasticsearch", "has our template for log streams")
    answer = context.get("elasticsearch", f"/_component_template/{_TEMPLATE}")
    if answer.status == _NOT_FOUND:
        return claim.fail("template-missing", f"{_TEMPLATE}: not found")
    actual = answer.json()["component_templates"][0]["component_template"]["template"]
    wanted = context.on_disk(_TEMPLATE_FILE).get("template") or {}
    days = [(one.get("lifecycle") or {}).get("data_retention") for one in (wanted, actual)]
    if days[0] != days[1]:
        evidence = f"{_TEMPLATE}: stack/ has {days[0]}, in force is {days[1] or 'none'}"
        return claim.fail("retention-differs", evidence)
    ours, theirs = (dict(_flat(_comparable(one))) for one in (wanted, actual))
    if found := first_difference(ours, theirs):
        return claim.fail("template-differs", f"{_TEMPLATE}: {found}")
    return claim.ok(f"{_TEMPLATE} keeps {days[0]}")


def _comparable(template: Mapping[str, Any]) -> dict[str, Any]:
    """Settings are told again under `index.`, whether they were written so or not."""
    settings = dict(_flat(template.get("settings") or {}))
    named = {key if key.startswith("index.") else f"index.{key}": v for key, v in settings.items()}
    return {"settings": named, "mappings": template.get("mappings") or {}}


def _flat(settings: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """`index.number_of_replicas` -> `0`: in whichever form they were written and are told."""
    for key, value in settings.items():
        name = f"{above}{key}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{name}.")
        else:
            yield name, str(value).lower()


def _kept(stream: Mapping[str, Any]) -> str | None:
    """What is in force: a limit of the whole cluster may be below what the stream asks for."""
    lifecycle = stream.get("lifecycle") or {}
    if lifecycle.get("enabled") is False:
        return None
    kept: str | None = lifecycle.get("effective_retention") or lifecycle.get("data_retention")
    return kept


def _not_deleted(stream: Mapping[str, Any]) -> str:
    """Where index lifecycle management has an index, the retention of its stream does nothing."""
    indices = stream.get("indices") or ()
    for name, manager in (
        *((one.get("index_name"), one.get("managed_by")) for one in indices),
        ("its next index", stream.get("next_generation_managed_by")),
    ):
        if manager not in (None, _LIFECYCLE):
            return f"{name} is managed by {manager}, not by the data stream's lifecycle"
    return ""
