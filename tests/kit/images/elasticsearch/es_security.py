"""Users, roles and privileges of the Elasticsearch stand-in, and its 401 and 403 answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from standin import HttpError, Request, words

Json = Any

CLUSTER = {
    "all": {"*"},
    "manage": {
        "monitor", "manage_index_templates", "manage_ilm", "read_ilm", "manage_pipeline",
        "manage_ingest_pipelines", "manage_data_stream_global_retention", "read_slm",
    },
    "manage_ilm": {"read_ilm"},
    "manage_security": {"read_security"},
}  # fmt: skip
CLUSTER_NAMES = words(
    "all monitor manage manage_index_templates manage_ilm read_ilm manage_pipeline read_pipeline"
    " manage_ingest_pipelines manage_security read_security manage_own_api_key manage_api_key"
    " manage_token manage_saml manage_oidc manage_enrich manage_ml monitor_ml manage_transform"
    " monitor_transform manage_slm read_slm manage_rollup monitor_rollup monitor_snapshot"
    " create_snapshot manage_ccr read_ccr manage_service_account monitor_stats none"
    " delegate_pki grant_api_key manage_watcher monitor_watcher manage_logstash_pipelines"
)
INDEX = {
    "create_doc": {"create_doc", "create", "index", "write"},
    "index": {"index", "write"},
    "delete": {"delete", "write"},
    "auto_configure": {"auto_configure", "create_index", "manage"},
    "create_index": {"create_index", "manage"},
    "read": {"read"},
    "monitor": {"monitor", "manage"},
    "view_index_metadata": {"view_index_metadata", "manage"},
    "maintenance": {"maintenance", "manage"},
    "manage_data_stream_lifecycle": {"manage_data_stream_lifecycle", "manage"},
    "manage": {"manage"},
    "delete_index": {"delete_index", "manage"},
}
INDEX_NAMES = {name for names in INDEX.values() for name in names} | words(
    "all none read_cross_cluster manage_ilm manage_follow_index manage_leader_index"
    " manage_failure_store read_failure_store cross_cluster_replication"
)
ANY = [{"names": ["*"], "privileges": ["all"]}]
RESERVED: dict[str, dict[str, Any]] = {
    "superuser": {"cluster": ["all"], "indices": ANY},
    "kibana_system": {
        "cluster": ["monitor", "manage_index_templates", "manage_ilm", "manage_own_api_key"],
        "indices": [
            {"names": [".kibana*", ".reporting-*"], "privileges": ["all"]},
            {"names": ["logs-*", "metrics-*"], "privileges": ["view_index_metadata", "monitor"]},
        ],
    },
    "logstash_system": {"cluster": ["monitor"], "indices": []},
    "beats_system": {"cluster": ["monitor"], "indices": []},
    "remote_monitoring_collector": {
        "cluster": ["monitor"],
        "indices": [{"names": ["*"], "privileges": ["monitor"]}],
    },
    "viewer": {"cluster": [], "indices": [{"names": ["logs-*"], "privileges": ["read"]}]},
    "editor": {"cluster": [], "indices": [{"names": ["logs-*"], "privileges": ["read"]}]},
    "kibana_admin": {"cluster": [], "indices": []},
    "monitoring_user": {"cluster": [], "indices": []},
}
RESERVED_USERS = {
    "elastic": ["superuser"],
    "kibana_system": ["kibana_system"],
    "logstash_system": ["logstash_system"],
    "beats_system": ["beats_system"],
    "remote_monitoring_user": ["remote_monitoring_collector"],
}
CHALLENGE = 'Basic realm="security", charset="UTF-8"'
MIN_PASSWORD = 6


def es_error(
    status: int, kind: str, reason: str, headers: Mapping[str, str] | None = None, **more: Json
) -> HttpError:
    """Return an error in Elasticsearch's shape."""
    cause = {"type": kind, "reason": reason, **more}
    return HttpError(status, {"error": {"root_cause": [cause], **cause}, "status": status}, headers)


def unauthenticated(request: Request, user: str | None) -> HttpError:
    """Return the 401 for missing (user None) or wrong credentials."""
    if user is None:
        reason = f"missing authentication credentials for REST request [{request.path}]"
    else:
        reason = f"unable to authenticate user [{user}] for REST request [{request.path}]"
    headers = {"WWW-Authenticate": CHALLENGE}
    more = {"header": {"WWW-Authenticate": [CHALLENGE, "ApiKey"]}}
    return es_error(401, "security_exception", reason, headers, **more)


def check_role(name: str, role: Mapping[str, Any]) -> None:
    """Raise a 400 for a role body that Elasticsearch refuses."""
    known = {
        "cluster", "indices", "index", "applications", "run_as", "metadata", "global",
        "transient_metadata", "description", "remote_indices", "remote_cluster",
    }  # fmt: skip
    for key in set(role) - known:
        raise es_error(400, "parse_exception", f"failed to parse role [{name}]. unexpected [{key}]")
    for privilege in set(role.get("cluster") or []) - CLUSTER_NAMES:
        reason = f"unknown cluster privilege [{privilege}]. a privilege must be predefined"
        raise es_error(400, "action_request_validation_exception", reason)
    for entry in role.get("indices") or []:
        if not entry.get("names") or not entry.get("privileges"):
            reason = f"failed to parse indices privileges for role [{name}]. missing required field"
            raise es_error(400, "parse_exception", reason)
        for privilege in set(entry["privileges"]) - INDEX_NAMES:
            reason = f"unknown index privilege [{privilege}]. a privilege must be predefined"
            raise es_error(400, "action_request_validation_exception", reason)


class Principal:
    """An authenticated user with its effective roles."""

    def __init__(self, name: str, roles: list[str], definitions: Mapping[str, Any]) -> None:
        self.name = name
        self.roles = roles
        self.definitions = [definitions[role] for role in roles if role in definitions]

    def may_cluster(self, privilege: str) -> bool:
        """Tell whether a cluster privilege is granted, directly or by a wider one."""
        granted = {name for role in self.definitions for name in role.get("cluster") or []}
        for name in set(granted):
            granted |= CLUSTER.get(name, set())
        return privilege in granted or "*" in granted

    def need_cluster(self, privilege: str, action: str) -> None:
        """Raise a 403 without a cluster privilege."""
        if not self.may_cluster(privilege):
            raise self.denied(action, f"the cluster privileges [{privilege},manage,all]")

    def patterns(self, privilege: str) -> list[str]:
        """Return the index patterns on which an index privilege is granted."""
        wanted = INDEX[privilege] | {"all"}
        entries = [e for role in self.definitions for e in role.get("indices") or []]
        granting = [e for e in entries if wanted & set(e["privileges"])]
        return [n for e in granting for n in names_of(e["names"])]

    def may_index(self, privilege: str, index: str) -> bool:
        """Tell whether an index privilege is granted on one index or data stream."""
        return any(fnmatchcase(index, pattern) for pattern in self.patterns(privilege))

    def need_index(self, privilege: str, index: str, action: str) -> None:
        """Raise a 403 without an index privilege."""
        if not self.may_index(privilege, index):
            raise self.index_denied(privilege, [index], action)

    def index_denied(self, privilege: str, indices: Iterable[str], action: str) -> HttpError:
        """Return the 403 of an index action."""
        names = ",".join(sorted(INDEX[privilege] | {"all"}))
        return self.denied(
            f"{action}] is unauthorized for user [{self.name}] with effective roles"
            f" [{','.join(self.roles)}] on indices [{','.join(indices)}",
            f"the index privileges [{names}]",
            complete=True,
        )

    def denied(self, action: str, needed: str, *, complete: bool = False) -> HttpError:
        """Return a 403."""
        who = f" is unauthorized for user [{self.name}] with effective roles"
        middle = "" if complete else f"{who} [{','.join(self.roles)}]"
        reason = f"action [{action}]{middle}, this action is granted by {needed}"
        return es_error(403, "security_exception", reason)


def names_of(value: str | list[str]) -> list[str]:
    """Return one name or many as a list."""
    return [value] if isinstance(value, str) else value
